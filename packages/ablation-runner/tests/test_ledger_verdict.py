"""The rules for verdicts, one fact each; the numbers are made up."""

import itertools
from dataclasses import replace

import pytest

from ablation_runner.ledger import Verdict
from ablation_runner.ledger._claim import Claim
from ablation_runner.ledger._measured import Measured
from ablation_runner.ledger._verdict import verdict_on

CLAIM = Claim(
    section="fusion", text="Better by 4.", source="a guide", provenance="typical", unit="points",
    low=4.0, high=4.0, expects="more", margin=1.0,
)  # fmt: skip
NO_DIFFERENCE = replace(CLAIM, low=0.4, high=0.4, expects="none")
FASTER = replace(CLAIM, unit="ratio", low=0.6, high=0.6, expects="less", margin=0.1)
# Clearly more, within an informative study.
MORE = Measured(
    scale="cpu", seeds=3, estimate=5.0, low=3.0, high=7.0, p=0.001, p_equivalent=0.99, blind_loss=30.0, blind_p=0.001,
)  # fmt: skip
LESS = replace(MORE, estimate=-5.0, low=-7.0, high=-3.0)
UNCLEAR = replace(MORE, estimate=0.5, low=-1.5, high=2.5, p=0.6, p_equivalent=0.3)
NOTHING = replace(MORE, estimate=0.1, low=-0.3, high=0.5, p=0.5, p_equivalent=0.001)
SLIGHT = replace(MORE, estimate=0.5, low=0.3, high=0.7, p=0.001, p_equivalent=0.001)


@pytest.mark.parametrize(
    ("claim", "measured", "verdict"),
    [
        (CLAIM, MORE, Verdict.SAME),
        (CLAIM, LESS, Verdict.OPPOSITE),
        (CLAIM, UNCLEAR, Verdict.INCONCLUSIVE),
        (CLAIM, NOTHING, Verdict.EQUIVALENT),
        (CLAIM, SLIGHT, Verdict.EQUIVALENT),
        (NO_DIFFERENCE, NOTHING, Verdict.EQUIVALENT),
        (NO_DIFFERENCE, SLIGHT, Verdict.EQUIVALENT),
        (NO_DIFFERENCE, UNCLEAR, Verdict.INCONCLUSIVE),
        (NO_DIFFERENCE, MORE, Verdict.OPPOSITE),
        (NO_DIFFERENCE, LESS, Verdict.OPPOSITE),
        (NO_DIFFERENCE, replace(MORE, estimate=0.9, low=0.1, high=1.7, p=0.03), Verdict.INCONCLUSIVE),
    ],
)
def test_direction_decides_at_cpu_scale(claim: Claim, measured: Measured, verdict: Verdict) -> None:
    assert verdict_on(claim, measured)[0] is verdict


@pytest.mark.parametrize(
    ("claim", "low", "high", "said"),
    [
        (CLAIM, 0.3, 9.7, "alone it would be significant"),
        (CLAIM, -0.3, 9.7, "neither a difference nor its absence"),
        (FASTER, 0.4, 0.9, "alone it would be significant"),
        (FASTER, 0.4, 1.1, "neither a difference nor its absence"),
    ],
)
def test_a_difference_that_only_the_correction_hides_is_said(
    claim: Claim, low: float, high: float, said: str
) -> None:
    measured = replace(MORE, estimate=(low + high) / 2, low=low, high=high, p=0.08)
    assert verdict_on(claim, measured)[1].startswith(said)


@pytest.mark.parametrize(
    "change",
    [
        {"not_converged": ("mlp",)},
        {"blind_loss": None, "blind_p": None},
        {"blind_p": 0.05},
        {"blind_p": None},
        {"blind_loss": 0.0},
        {"blind_loss": -30.0},
        {"identical": True},
    ],
)
@pytest.mark.parametrize("measured", [MORE, LESS, UNCLEAR, NOTHING])
def test_what_could_not_have_been_seen_is_not_informative(
    measured: Measured, change: dict[str, object]
) -> None:
    assert verdict_on(CLAIM, replace(measured, **change))[0] is Verdict.NOT_INFORMATIVE  # type: ignore[arg-type]


def test_no_difference_says_nothing_where_the_control_loses_no_more_than_the_margin() -> None:
    assert verdict_on(CLAIM, replace(NOTHING, blind_loss=0.9))[0] is Verdict.NOT_INFORMATIVE
    assert verdict_on(CLAIM, replace(NOTHING, blind_loss=1.1))[0] is Verdict.EQUIVALENT
    assert verdict_on(CLAIM, replace(MORE, blind_loss=0.9))[0] is Verdict.SAME


@pytest.mark.parametrize("change", [{"seeds": 1}, {"p": None}, {"p_equivalent": None}])
def test_without_an_error_nothing_is_concluded(change: dict[str, object]) -> None:
    assert verdict_on(CLAIM, replace(MORE, **change))[0] is Verdict.INCONCLUSIVE  # type: ignore[arg-type]


COST = replace(MORE, estimate=0.6, low=0.5, high=0.7, blind_loss=None, blind_p=None)


def test_costs_need_neither_convergence_nor_a_blind_control() -> None:
    assert verdict_on(FASTER, replace(COST, not_converged=("mlp",)))[0] is Verdict.SAME
    assert verdict_on(FASTER, replace(COST, estimate=1.4, low=1.3, high=1.5))[0] is Verdict.OPPOSITE


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (0.47, Verdict.SAME),
        (1 / 1.11, Verdict.SAME),
        (1 / 1.09, Verdict.EQUIVALENT),
        (1.0, Verdict.EQUIVALENT),
        (1.09, Verdict.EQUIVALENT),
        (1.11, Verdict.OPPOSITE),
    ],
)
def test_a_count_is_judged_as_it_is_by_a_margin_that_is_the_same_both_ways(
    ratio: float, verdict: Verdict
) -> None:
    exact = replace(
        COST, estimate=ratio, low=ratio, high=ratio, exact=True, p=None, p_equivalent=None, seeds=1
    )
    assert verdict_on(FASTER, exact)[0] is verdict


@pytest.mark.parametrize(
    ("claim", "measured", "verdict"),
    [
        (CLAIM, MORE, Verdict.SUPPORTED),
        (CLAIM, replace(MORE, estimate=14.0, low=12.0, high=16.0), Verdict.SAME),
        (CLAIM, replace(MORE, estimate=7.0, low=5.1, high=8.9), Verdict.SAME),
        (CLAIM, replace(MORE, estimate=7.0, low=4.9, high=9.1), Verdict.SUPPORTED),
        (CLAIM, replace(MORE, estimate=1.9, low=1.0, high=2.9), Verdict.SAME),
        (CLAIM, LESS, Verdict.REFUTED),
        (CLAIM, NOTHING, Verdict.REFUTED),
        (CLAIM, UNCLEAR, Verdict.INCONCLUSIVE),
        (replace(CLAIM, low=0.8, high=0.8), NOTHING, Verdict.SUPPORTED),
        (replace(CLAIM, low=1.2, high=1.2), NOTHING, Verdict.REFUTED),
        (replace(CLAIM, low=10.0, high=20.0), replace(MORE, high=9.5), Verdict.SUPPORTED),
        (replace(CLAIM, low=None, high=None), MORE, Verdict.SUPPORTED),
        (replace(CLAIM, low=None, high=None), NOTHING, Verdict.EQUIVALENT),
        (NO_DIFFERENCE, NOTHING, Verdict.SUPPORTED),
        (NO_DIFFERENCE, MORE, Verdict.REFUTED),
        (FASTER, COST, Verdict.SUPPORTED),
        (FASTER, replace(COST, estimate=0.3, low=0.2, high=0.4), Verdict.SAME),
        (CLAIM, replace(MORE, not_converged=("mlp",)), Verdict.NOT_INFORMATIVE),
    ],
)  # fmt: skip
def test_at_gpu_scale_the_size_counts_too(claim: Claim, measured: Measured, verdict: Verdict) -> None:
    assert verdict_on(claim, replace(measured, scale="gpu"))[0] is verdict


ALL_MEASURED = [
    replace(each, p=p, p_equivalent=p_equivalent, blind_p=blind_p)
    for each, p, p_equivalent, blind_p in itertools.product(
        (MORE, LESS, UNCLEAR, NOTHING, SLIGHT), (0.001, 0.5, None), (0.001, 0.5, None), (0.001, 0.5)
    )
]


@pytest.mark.parametrize("claim", [CLAIM, NO_DIFFERENCE, replace(CLAIM, low=None, high=None, expects="less")])
def test_at_cpu_scale_nothing_is_ever_supported_or_refuted(claim: Claim) -> None:
    found = {verdict_on(claim, measured)[0] for measured in ALL_MEASURED}
    assert found == {
        Verdict.SAME, Verdict.OPPOSITE, Verdict.EQUIVALENT, Verdict.INCONCLUSIVE, Verdict.NOT_INFORMATIVE,
    } - ({Verdict.SAME} if claim is NO_DIFFERENCE else set())  # fmt: skip


@pytest.mark.parametrize("scale", ["cpu", "gpu"])
def test_turning_claim_and_measurement_round_changes_no_verdict(scale: str) -> None:
    turned = replace(CLAIM, low=-4.0, high=-4.0, expects="less")
    for measured in ALL_MEASURED:
        own = replace(measured, scale=scale)
        back = replace(own, estimate=-own.estimate, low=-own.high, high=-own.low)
        assert verdict_on(CLAIM, own)[0] is verdict_on(turned, back)[0]
