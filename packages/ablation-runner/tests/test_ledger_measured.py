"""What the ledger takes from a study's results; the results are made up, so that the right numbers are known."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ablation_runner import StudyError, prepare
from ablation_runner.files import write_json
from ablation_runner.ledger import Judgement, Verdict, judge_ledger, load_ledger
from ablation_runner.ledger._adjusted import adjusted
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._measure import measure
from ablation_runner.ledger._measured import Measured, Missing
from ablation_runner.ledger._study_run import StudyRun, read_study_run
from ablation_runner.plan import write_plan

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

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run of fusion-method in which every trial has finished; gives the runs folder.

    Items that the first arms answer right, later ones with a higher chance do too: differences then have little error.
    """

    def make(
        *, seeds: int = 4, without: str = "", falling: str = "", blind: float = 0.40, scale: str = ""
    ) -> Path:
        prepared = prepare("fusion-method", runs=tmp_path, overrides=[f"seeds={list(range(seeds))}"])
        folder = type(prepared.folder)(tmp_path / f"fusion-method{scale}")
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
        return tmp_path

    return make


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


MLP = "An MLP projection is 4.3 points better than plain concatenation."
Q_FORMER = "A Q-Former is 2.5 points better than an MLP projection."
PERCEIVER = "A Perceiver resampler is comparable to a Q-Former (0.3 points)."
TIME = "A Q-Former trains 40 % longer than plain concatenation."
QUERIES = "16 queries lose 2 points against 32."


def test_a_difference_is_that_of_the_means_in_points_with_its_interval_and_scale(make_run: MakeRun) -> None:
    found = judged(make_run())[MLP]
    expected = 100 * np.mean([right(seed, 0.9) - right(seed, 0.8) for seed in range(4)])
    assert found.measured is not None
    assert found.measured.estimate == pytest.approx(expected)
    assert found.measured.low < expected < found.measured.high
    assert (found.measured.scale, found.measured.seeds) == ("cpu", 4)
    assert found.verdict is Verdict.SAME


def test_verdicts_at_cpu_scale_are_those_of_direction(make_run: MakeRun) -> None:
    found = judged(make_run())
    verdicts = {text: found[text].verdict for text in (MLP, Q_FORMER, PERCEIVER, TIME)}
    assert verdicts == {
        MLP: Verdict.SAME, Q_FORMER: Verdict.OPPOSITE, PERCEIVER: Verdict.EQUIVALENT, TIME: Verdict.SAME,
    }  # fmt: skip


def test_a_ratio_of_seconds_is_that_of_the_geometric_means(make_run: MakeRun) -> None:
    found = judged(make_run())[TIME].measured
    assert found is not None
    logs = [math.log(1.4 * wobble("q-former", seed) / wobble("concatenation", seed)) for seed in range(4)]
    assert len(set(logs)) > 1
    assert found.estimate == pytest.approx(math.exp(sum(logs) / 4))


def test_times_that_differ_from_seed_to_seed_have_the_interval_of_their_logarithms(make_run: MakeRun) -> None:
    runs = make_run()
    extra = [1.0, 1.1, 1.2, 1.4]
    for path in (runs / "fusion-method" / "trials").glob("q-former-seed*/trial.json"):
        seed = int(path.parent.name.split("seed")[1].split("-")[0])
        write_json(
            path, {"status": "finished", "train_seconds": 100 * extra[seed] * wobble("concatenation", seed)}
        )
    found = judged(runs)[TIME].measured
    assert found is not None
    logs = np.log(extra)
    half = (
        3.182446305284263 * logs.std(ddof=1) / math.sqrt(4)
    )  # the 97.5 % point of t with 3 degrees of freedom
    assert found.estimate == pytest.approx(math.exp(logs.mean()))
    assert (found.low, found.high) == pytest.approx(
        (math.exp(logs.mean() - half), math.exp(logs.mean() + half))
    )


def run_of(runs: Path) -> StudyRun:
    run = read_study_run(runs, "fusion-method")
    assert run is not None
    return run


def numbers(found: Measured | Missing) -> Measured:
    assert isinstance(found, Measured), found
    return found


def test_question_types_leave_out_all_other_questions(make_run: MakeRun) -> None:
    contrast = Contrast(study="fusion-method", arm="mlp", against="q-former", question_types=("object",))
    found = numbers(measure(contrast, run_of(make_run()), margin=1.0))
    objects = np.arange(ITEMS) % 3 == 0
    differences = [(right(seed, 0.9) - right(seed, 0.7))[objects] for seed in range(4)]
    assert found.estimate == pytest.approx(100 * np.mean(differences))


def test_a_type_that_no_question_has_is_no_result(make_run: MakeRun) -> None:
    contrast = Contrast(study="fusion-method", arm="mlp", against="q-former", question_types=("count",))
    found = measure(contrast, run_of(make_run()), margin=1.0)
    assert found == Missing(reason="the run asks no question of the type count")


def test_a_second_difference_is_taken_from_the_first(make_run: MakeRun) -> None:
    run = run_of(make_run())
    beyond = ("concatenation", "blind")
    found = numbers(
        measure(
            Contrast(study="fusion-method", arm="mlp", against="q-former", beyond=beyond), run, margin=1.0
        )
    )
    one, other = (
        numbers(measure(Contrast(study="fusion-method", arm=arm, against=against), run, margin=1.0))
        for arm, against in (("mlp", "q-former"), beyond)
    )
    assert found.estimate == pytest.approx(one.estimate - other.estimate)
    assert found.low < found.estimate < found.high


def test_a_count_is_exact_and_has_no_p(make_run: MakeRun) -> None:
    runs = make_run()
    for arm, tokens in (("mlp", 30), ("q-former", 64)):
        for path in (runs / "fusion-method" / "trials").glob(f"{arm}-seed*/trial.json"):
            write_json(path, {"status": "finished", "visual_tokens": tokens})
    contrast = Contrast(study="fusion-method", arm="mlp", against="q-former", quantity="visual_tokens")
    found = numbers(measure(contrast, run_of(runs), margin=0.1))
    assert (found.estimate, found.exact, found.p) == (pytest.approx(30 / 64), True, None)
    assert found.low == found.high == found.estimate


def test_a_study_without_a_run_says_how_to_run_it(make_run: MakeRun, tmp_path: Path) -> None:
    found = judged(tmp_path)[MLP]
    assert (found.verdict, found.measured) == (Verdict.NOT_RUN, None)
    assert found.command == f"ablate run fusion-method --runs {tmp_path}"
    assert judged(Path("runs"))[MLP].command == "ablate run fusion-method"


def test_a_run_without_a_finished_trial_is_not_run(make_run: MakeRun) -> None:
    runs = make_run()
    for record in (runs / "fusion-method" / "trials").glob("*/trial.json"):
        record.unlink()
    assert judged(runs)[MLP].verdict is Verdict.NOT_RUN


def test_an_arm_that_had_not_converged_makes_its_claims_not_informative(make_run: MakeRun) -> None:
    found = judged(make_run(falling="mlp"))
    assert (found[MLP].verdict, found[Q_FORMER].verdict) == (Verdict.NOT_INFORMATIVE,) * 2
    assert "mlp was still falling" in found[MLP].reason
    assert found[PERCEIVER].verdict is Verdict.EQUIVALENT
    assert found[TIME].verdict is Verdict.SAME


def test_a_blind_control_as_good_as_the_arms_makes_all_scores_not_informative(make_run: MakeRun) -> None:
    found = judged(make_run(blind=0.90))
    assert [found[text].verdict for text in (MLP, Q_FORMER, PERCEIVER)] == [Verdict.NOT_INFORMATIVE] * 3
    assert found[TIME].verdict is Verdict.SAME


def test_arms_that_score_the_same_on_every_item_are_not_informative(make_run: MakeRun) -> None:
    text = "gated-cross-attention against concatenation"
    rows = judge_ledger(load_ledger(), make_run(), section="fusion").judgements
    (found,) = (each for each in rows if each.claim.text == text and each.claim.metric == "vqav2_accuracy")
    assert (found.verdict, found.reason) == (
        Verdict.NOT_INFORMATIVE,
        "the arms score the same on every item under every seed",
    )


def test_one_seed_is_inconclusive(make_run: MakeRun) -> None:
    found = judged(make_run(seeds=1))
    assert {found[text].verdict for text in (MLP, PERCEIVER, TIME)} == {Verdict.INCONCLUSIVE}


def test_seeds_that_an_arm_lacks_are_left_out_and_told(make_run: MakeRun) -> None:
    found = judged(make_run(without="q-former-2"))[MLP].measured
    assert found is not None
    assert found.seeds == 3
    assert found.notes[0] == "23 of 24 trials are finished"


def test_a_run_with_other_settings_than_the_built_in_study_says_so(make_run: MakeRun) -> None:
    found = judged(make_run())[MLP].measured
    assert found is not None
    assert found.notes == ("not as built in: seeds",)


def test_an_arm_without_a_finished_trial_is_not_run(make_run: MakeRun) -> None:
    runs = make_run()
    for path in (runs / "fusion-method" / "trials").glob("perceiver*/trial.json"):
        path.unlink()
    found = judged(runs)
    assert found[PERCEIVER].verdict is Verdict.NOT_RUN
    assert found[PERCEIVER].reason == "'perceiver-resampler' has no finished trial yet"
    assert found[PERCEIVER].command.startswith("ablate run fusion-method")
    assert found[MLP].verdict is Verdict.SAME


def test_an_arm_that_the_run_does_not_plan_is_not_comparable(make_run: MakeRun) -> None:
    contrast = Contrast(study="fusion-method", arm="mlp @ few-tokens", against="mlp")
    found = measure(contrast, run_of(make_run()), margin=1.0)
    assert found == Missing(reason="the run has no arm 'mlp @ few-tokens'")


def test_a_difference_asked_for_with_two_margins_counts_once_in_its_family() -> None:
    one, two = (
        Contrast(study="fusion-method", arm=arm, against="concatenation") for arm in ("mlp", "q-former")
    )
    cost = replace(one, quantity="train_seconds")
    base = Measured(scale="cpu", seeds=3, estimate=1.0, low=0.5, high=1.5, p=0.01, p_equivalent=0.02)
    found = adjusted(
        {(one, 1.0): base, (one, 0.5): base, (two, 1.0): replace(base, p=0.04), (cost, 0.1): base}
    )
    assert [each.p for each in found.values()] == pytest.approx([0.02, 0.02, 0.04, 0.01])
    assert [each.p_equivalent for each in found.values()] == pytest.approx([0.06, 0.06, 0.06, 0.02])


def test_a_study_that_is_not_built_in_is_not_comparable(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablation_runner.ledger._judge.built_in_studies", dict)
    found = judged(make_run())[QUERIES]
    assert found.verdict is Verdict.NOT_COMPARABLE
    assert found.reason == "no study yet: q-former-queries is not built in"


def test_only_at_gpu_scale_is_a_claim_supported_or_refuted(make_run: MakeRun) -> None:
    make_run()
    found = judged(make_run(scale="-gpu"))
    verdicts = [found[text].verdict for text in (Q_FORMER, PERCEIVER, TIME)]
    assert verdicts == [Verdict.REFUTED, Verdict.SUPPORTED, Verdict.SUPPORTED]
    assert found[MLP].verdict is Verdict.SAME
    assert found[MLP].reason == "the difference is significant, but not of the literature's size"
    assert found[MLP].measured is not None
    assert found[MLP].measured.scale == "gpu"


def test_a_broken_result_is_refused_by_the_name_of_its_file(make_run: MakeRun) -> None:
    runs = make_run()
    broken = next((runs / "fusion-method" / "trials").glob("mlp-*/items.parquet"))
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(StudyError, match=r"fusion-method: the files of a finished trial cannot be read"):
        judged(runs)
    (runs / "fusion-method" / "plan.parquet").write_bytes(b"")
    with pytest.raises(StudyError, match=r"plan\.parquet: cannot be read"):
        judged(runs)
