"""A run of fusion-method with made-up results, so that the ledger's right numbers are known."""

from pathlib import Path

import numpy as np
import polars as pl

from ablation_runner import prepare
from ablation_runner.ledger import Judgement, judge_ledger, load_ledger
from ablation_runner.ledger._study_run import StudyRun, read_study_run
from ablation_runner.plan import write_plan
from ablation_runner.storage.files import write_json

ITEMS, IMAGES = 600, 200
# Chance of a right answer, and seconds of training of the first seed.
ARMS = {
    "concatenation": (0.80, 100.0),
    "mlp": (0.90, 110.0),
    "q-former": (0.70, 140.0),
    "perceiver-resampler": (0.7001, 160.0),
    "gated-cross-attention": (0.80, 101.0),
    "blind": (0.40, 100.0),
}


MLP = "An MLP projection is 4.3 points better than plain concatenation."
Q_FORMER = "A Q-Former is 2.5 points better than an MLP projection."
PERCEIVER = "A Perceiver resampler is comparable to a Q-Former (0.3 points)."
TIME = "A Q-Former trains 40 % longer than plain concatenation."
QUERIES = "16 queries lose 2 points against 32."


def write_run(
    runs: Path, *, seeds: int = 4, without: str = "", falling: str = "", blind: float = 0.40, scale: str = ""
) -> Path:
    """Writes a run of fusion-method in which every trial has finished; gives the runs folder.

    Items that the first arms answer right, later ones with a higher chance do too: differences then have little error.
    """
    prepared = prepare("fusion-method", runs=runs, overrides=[f"seeds={list(range(seeds))}"])
    folder = type(prepared.folder)(runs / f"fusion-method{scale}")
    write_plan(folder.plan_file, prepared.trials, prepared.arms)
    folder.study_file.write_text(prepared.text, encoding="utf-8")
    for trial in prepared.trials:
        if f"{trial.arm}-{trial.seed}" == without:
            continue
        chance, seconds = ARMS[trial.arm]
        place = folder.trial(trial.name)
        place.path.mkdir(parents=True, exist_ok=True)
        chance = blind if trial.arm == "blind" else chance
        items(trial.arm, trial.seed, chance).write_parquet(place.items_file)
        curve(trial.arm, trial.seed, falling=trial.arm == falling).write_parquet(place.curve_file)
        record = {
            "status": "finished",
            "train_seconds": seconds * wobble(trial.arm, trial.seed),
            "evaluate_seconds": seconds,
        }
        write_json(place.record_file, record)
    return runs


def wobble(arm: str, seed: int) -> float:
    """A little that a machine's times vary by."""
    return 1 + 0.01 * ((seed * sum(arm.encode())) % 7)


def right(seed: int, chance: float) -> np.ndarray:
    """0/1 per item: the item's own difficulty, the same for all arms, against the chance; some noise of the seed."""
    difficulty = np.random.default_rng(1).permutation(ITEMS) / ITEMS
    noise = np.random.default_rng([2, seed, round(1e4 * chance)]).normal(0, 0.003, ITEMS)
    return (difficulty + noise < chance).astype(float)


def items(arm: str, seed: int, chance: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "arm": arm,
            "seed": seed,
            "condition": "as-trained",
            "task": "easy-vqa",
            "metric": "exact_match",
            "question_type": ["ocr" if number % 3 else "object" for number in range(ITEMS)],
            "item": [f"item-{number}" for number in range(ITEMS)],
            "cluster": [f"image-{number % IMAGES}" for number in range(ITEMS)],
            "value": right(seed, chance),
            "weight": 1.0,
            "valid": True,
            "question": "what?",
            "answers": [["a"]] * ITEMS,
        }
    ).sample(fraction=1, shuffle=True, seed=seed)


def curve(arm: str, seed: int, *, falling: bool) -> pl.DataFrame:
    losses = [1.0, 0.8, 0.6, 0.4, 0.2] if falling else [1.0, 0.3, 0.2, 0.2, 0.2]
    rows = [
        {"arm": arm, "seed": seed, "split": "validation", "step": 10 * (place + 1), "loss": loss}
        for place, loss in enumerate(losses)
    ]
    return pl.DataFrame(rows)


def judged(runs: Path) -> dict[str, Judgement]:
    """The statements about fusion, by their text."""
    found = judge_ledger(load_ledger(), runs, section="fusion", statements_only=True).judgements
    return {judgement.claim.text: judgement for judgement in found}


def run_of(runs: Path) -> StudyRun:
    run = read_study_run(runs, "fusion-method")
    assert run is not None
    return run
