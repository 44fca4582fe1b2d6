"""What the ledger takes from a study's results; the results are made up, so that the right numbers are known."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ledger_run import (
    ITEMS,
    MLP,
    PERCEIVER,
    Q_FORMER,
    TIME,
    judged,
    right,
    run_of,
    wobble,
    write_run,
)

from ablation_runner.ledger import Verdict
from ablation_runner.ledger._adjusted import adjusted
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._measure import measure
from ablation_runner.ledger._measured import Measured, Missing
from ablation_runner.storage.files import write_json

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    return partial(write_run, tmp_path)


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


def test_seeds_that_an_arm_lacks_are_left_out_and_told(make_run: MakeRun) -> None:
    found = judged(make_run(without="q-former-2"))[MLP].measured
    assert found is not None
    assert found.seeds == 3
    assert found.notes[0] == "23 of 24 trials are finished"


def test_a_run_with_other_settings_than_the_built_in_study_says_so(make_run: MakeRun) -> None:
    found = judged(make_run())[MLP].measured
    assert found is not None
    assert found.notes == ("it ran with other settings than the built-in study has now: seeds",)


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


def test_only_at_gpu_scale_is_a_claim_supported_or_refuted(make_run: MakeRun) -> None:
    make_run()
    found = judged(make_run(scale="-gpu"))
    verdicts = [found[text].verdict for text in (Q_FORMER, PERCEIVER, TIME)]
    assert verdicts == [Verdict.REFUTED, Verdict.SUPPORTED, Verdict.SUPPORTED]
    assert found[MLP].verdict is Verdict.SAME
    assert found[MLP].reason == "the difference is significant, but not of the literature's size"
    assert found[MLP].measured is not None
    assert found[MLP].measured.scale == "gpu"
