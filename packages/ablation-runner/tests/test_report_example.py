"""A synthetic study for the other report tests, which load it with `runpy`; one fact about it is tested here."""

from collections.abc import Callable

import numpy as np
import polars as pl
from PIL import Image

from ablation_runner.results import ArmResult, ClaimResult, Interval, StudyResults

ARMS = ("concatenation", "mlp", "q-former", "perceiver-resampler", "gated-cross-attention", "blind")
RIGHT = (0.889, 0.854, 0.812, 0.768, 0.891, 0.668)
LETTERS = ("red", "blue", "green")


def synthetic_items(count: int = 60) -> pl.DataFrame:
    """Questions of three kinds, three to an image."""
    kinds = ("color", "shape", "yes/no")
    return pl.DataFrame(
        {
            "item": [f"q{place:05d}" for place in range(count)],
            "cluster": [f"image-{place // 3}" for place in range(count)],
            "question": [f"what is number {place}?" for place in range(count)],
            "question_type": [kinds[place % 3] for place in range(count)],
            "answers": [[LETTERS[place % 3]] for place in range(count)],
        }
    )


def predictions(items: pl.DataFrame, arms: dict[str, float], seeds: int) -> pl.DataFrame:
    """One row per arm, seed and item: right with the arm's probability, in the documented columns."""
    frames = []
    for place, (arm, right) in enumerate(arms.items()):
        for seed in range(seeds):
            hit = np.random.default_rng([place, seed]).random(items.height) < right
            frames.append(
                items.with_columns(
                    arm=pl.lit(arm), seed=pl.lit(seed, pl.Int64), task=pl.lit("easy-vqa"), hit=pl.Series(hit)
                ).with_columns(
                    prediction=pl.when("hit")
                    .then(pl.col("answers").list.first())
                    .otherwise(pl.lit("no idea")),
                    value=pl.col("hit").cast(pl.Float64),
                    weight=pl.lit(1.0),
                    valid=pl.lit(True),
                )
            )
    return pl.concat(frames).drop("hit")


def curves(arms: tuple[str, ...], seeds: int, steps: int = 600) -> pl.DataFrame:
    """Training loss every five steps and validation loss every sixty; the last arm but one is still falling."""
    frames = []
    for place, arm in enumerate(arms):
        for seed in range(seeds):
            random = np.random.default_rng([7, place, seed])
            for split, every in (("train", 5), ("validation", 60)):
                step = np.arange(every, steps + 1, every)
                speed = 120.0 + 60.0 * place
                loss = 2.2 * np.exp(-step / speed) + 0.18 + 0.05 * place
                noise = random.normal(0, 0.12 if split == "train" else 0.02, step.size)
                frames.append(
                    pl.DataFrame(
                        {"arm": arm, "seed": seed, "step": step, "split": split, "loss": loss * np.exp(noise)}
                    )
                )
    return pl.concat(frames).with_columns(accuracy=pl.lit(None, pl.Float64))


def arm_result(
    name: str, mean: float, seeds: int, *, baseline: float, role: str = "", converged: bool = True
) -> ArmResult:
    """An arm with made-up intervals; `role` is baseline, blind or nothing."""
    place = len(name)
    difference = mean - baseline
    return ArmResult(
        name=name,
        is_baseline=role == "baseline",
        is_blind=role == "blind",
        differs={"baseline": (), "blind": ("data.images: paired → shuffled",)}.get(
            role, (f"model.connector: concatenation → {name}",)
        ),
        implied=() if role else (f"parameters {300_000 + 9_000 * place:,} (+{place} %)",),
        parameters=300_000 + 9_000 * place,
        macs=1_100_000 * place,
        visual_tokens=16,
        train_seconds=40.0 + 3 * place,
        seeds=tuple(range(seeds)),
        mean=Interval(estimate=mean, low=mean - 0.011, high=mean + 0.011),
        difference=None
        if role == "baseline"
        else Interval(estimate=difference, low=difference - 0.013, high=difference + 0.013),
        p=None if role == "baseline" else (0.2 if abs(difference) < 0.013 else 0.00002),
        p_adjusted=None if role == "baseline" else (0.41 if abs(difference) < 0.013 else 0.0001),
        converged=converged,
        warnings=() if converged else ("The validation loss of seeds 0 and 2 was still falling.",),
    )


def by_type(rows: pl.DataFrame) -> pl.DataFrame:
    """The score by type with an interval of a fixed width."""
    mean = rows.group_by("arm", "question_type", maintain_order=True).agg(
        estimate=pl.col("value").mean(), items=pl.col("item").n_unique().cast(pl.Int64)
    )
    return mean.with_columns(low=pl.col("estimate") - 0.02, high=pl.col("estimate") + 0.02)


def study_results(
    items: pl.DataFrame | None = None,
    image: Callable[[str], Image.Image] = lambda _: Image.new("RGB", (64, 64), "red"),
    names: tuple[str, ...] = ARMS,
    right: tuple[float, ...] = RIGHT,
    seeds: int = 3,
) -> StudyResults:
    """A finished study: the first arm is the baseline, the last the blind control, the one before had not converged."""
    rows = predictions(
        synthetic_items() if items is None else items, dict(zip(names, right, strict=True)), seeds
    )
    roles = ["baseline", *[""] * (len(names) - 2), "blind"]
    arms = tuple(
        arm_result(name, mean, seeds, baseline=right[0], role=role, converged=place != len(names) - 2)
        for place, (name, mean, role) in enumerate(zip(names, right, roles, strict=True))
    )
    trials = pl.DataFrame(
        {"arm": name, "seed": seed} for name in names for seed in range(seeds)
    ).with_columns(
        status=pl.lit("finished"),
        cause=pl.lit(""),
        train_seconds=pl.lit(61.0),
        evaluate_seconds=pl.lit(9.0),
        steps=pl.lit(600),
    )
    claim = {"settle": "", "locked": True}
    return StudyResults(
        conditions=pl.DataFrame(),
        name="fusion-method",
        title="How should visual tokens reach the language model?",
        question="Which connector answers questions about images best, at 16 visual tokens?",
        metric="exact_match",
        arms=arms,
        claims=(
            ClaimResult(text="One linear layer is not beaten by a two-layer MLP.", arm=names[1], verdict="supported",
                        reason="The difference is −3.5 points, and its interval lies below zero.", **claim),
            ClaimResult(text="The Q-Former is better than one linear layer.", arm=names[2], verdict="refuted",
                        reason="It is 7.7 points worse (adjusted p <0.001).", **claim),
            ClaimResult(text="Gated cross-attention makes no difference.", arm=names[-2], verdict="inconclusive",
                        reason="The arm had not converged.", settle="About 400 more steps per trial.", locked=False),
        ),
        predictions=rows,
        by_type=by_type(rows),
        curves=curves(names, seeds),
        trials=trials,
        environment={"python": "3.11.9", "torch": "2.14.1", "processor": "2 cores, no GPU", "git commit": "0a1b2c3"},
        command="ablate run fusion-method",
        image=image,
        questions=rows["item"].n_unique(),
        images=rows["cluster"].n_unique(),
    )  # fmt: skip


def test_the_example_has_the_documented_columns() -> None:
    results = study_results()
    columns = [
        "arm",
        "seed",
        "task",
        "item",
        "cluster",
        "question",
        "question_type",
        "answers",
        "prediction",
        "value",
        "weight",
        "valid",
    ]
    assert set(results.predictions.columns) == set(columns)
    assert set(results.by_type.columns) == {"arm", "question_type", "estimate", "low", "high", "items"}
