"""A null that is drawn from no model of ours: thirty training runs of one recipe, relabelled at random into arms."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats


@pytest.fixture(scope="module")
def thirty() -> pl.DataFrame:
    """Answers of one recipe under 30 seeds, as bench/thirty_seeds.py trained it."""
    return pl.read_parquet(Path(__file__).with_name("thirty_seeds.parquet"))


def relabelled(rows: pl.DataFrame, arms: int, seeds: int, rng: np.random.Generator) -> pl.DataFrame:
    """Real runs of one recipe as if they were of several arms."""
    drawn = rng.permutation(30)[: arms * seeds]
    labels = pl.DataFrame(
        {
            "seed": pl.Series(drawn, dtype=pl.UInt8),
            "arm": [f"arm-{each // seeds}" for each in range(arms * seeds)],
            "run": [each % seeds for each in range(arms * seeds)],
        }
    )
    return rows.join(labels, on="seed").drop("seed").rename({"run": "seed"})


def test_the_thirty_runs_differ_as_training_runs_do(thirty: pl.DataFrame) -> None:
    means = thirty.group_by("seed").agg(pl.col("value").mean())["value"]
    assert means.len() == 30
    assert 0.005 < float(means.std() or 0) < 0.1  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [150, pytest.param(3000, marks=pytest.mark.slow)])
def test_one_real_recipe_relabelled_into_arms_gives_no_more_false_claims_than_stated(
    thirty: pl.DataFrame, times: int
) -> None:
    rng, wrong = np.random.default_rng(5), 0
    claims = [stats.Claim(text=arm, arm=arm, baseline="arm-0") for arm in ("arm-1", "arm-2")]
    for _ in range(times):
        found = stats.judge(claims, relabelled(thirty, 3, 5, rng))
        wrong += any(each.verdict != "inconclusive" for each in found)
    assert wrong / times <= 0.05 + 4 * (0.05 * 0.95 / times) ** 0.5


@pytest.mark.slow
def test_the_same_holds_while_seeds_are_added_until_the_claims_are_decided(thirty: pl.DataFrame) -> None:
    rng, wrong, times = np.random.default_rng(6), 0, 300
    claims = [stats.Claim(text=arm, arm=arm, baseline="arm-0") for arm in ("arm-1", "arm-2")]
    for _ in range(times):
        pair = stats.pairs_of(stats.paired_cube(relabelled(thirty, 3, 8, rng)))
        found = stats.judge_sequential(claims, pair, looks=range(3, 9), spending="pocock")
        wrong += any(each.verdict.verdict in ("supported", "refuted") for each in found)
    assert wrong / times <= 0.05 + 4 * (0.05 * 0.95 / times) ** 0.5
