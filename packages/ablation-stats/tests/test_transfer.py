"""The matrix of training level by test level, and its asymmetry."""

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats


@pytest.fixture(scope="module")
def transfer():
    """Trained and tested at 224 and 448: training high survives a low test, training low fails a high test by 0.3."""
    rng = np.random.default_rng(6)
    hard, rows = rng.normal(0, 0.2, 150), []
    score = {(224, 224): 0.6, (224, 448): 0.4, (448, 224): 0.55, (448, 448): 0.75}
    for (train, test), base in score.items():
        for seed in range(3):
            values = base + hard + rng.normal(0, 0.05, 150)
            rows += [
                {
                    "train": train,
                    "test": test,
                    "seed": seed,
                    "item": item,
                    "cluster": item // 3,
                    "value": value,
                }
                for item, value in enumerate(values)
            ]
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=1)


def cell_means(frame):
    return {
        (row["train"], row["test"]): row["value"]
        for row in frame.group_by("train", "test").agg(pl.col("value").mean()).iter_rows(named=True)
    }


@pytest.mark.parametrize(("degradation", "truth"), [("from-matched", 0.3), ("from-own", 0.0)])
def test_the_asymmetry_is_the_difference_of_both_losses(transfer, degradation, truth):
    mean = cell_means(transfer)
    low_high = (
        mean[448, 448] - mean[224, 448] if degradation == "from-matched" else mean[224, 224] - mean[224, 448]
    )
    high_low = (
        mean[224, 224] - mean[448, 224] if degradation == "from-matched" else mean[448, 448] - mean[448, 224]
    )
    found = stats.transfer_matrix(transfer, train="train", test="test", degradation=degradation)
    assert [each.estimate for each in found.degradations] == pytest.approx([low_high, high_low])
    asymmetry = found.asymmetries[0]
    assert asymmetry.estimate == pytest.approx(low_high - high_low)
    assert asymmetry.ci_low < truth < asymmetry.ci_high
    assert (asymmetry.p_adjusted < 0.01) == (truth > 0)


def test_the_asymmetry_is_the_clustered_test_of_its_own_scores(transfer):
    cell = {
        key: part.sort("item")["value"].to_numpy()
        for key, part in transfer.group_by("train", "test", "item")
        .agg(pl.col("value").mean())
        .group_by("train", "test")
    }
    scores = (cell[448, 448] - cell[224, 448]) - (cell[224, 224] - cell[448, 224])
    expected = stats.clustered_se(scores, np.arange(150) // 3, kind="CR1")
    found = stats.transfer_matrix(transfer, train="train", test="test", generalize_to="items").asymmetries[0]
    assert (found.se, found.df) == pytest.approx((expected.se, 49))


def test_the_matrix_is_read_from_training_to_test(transfer):
    found = stats.transfer_matrix(transfer, train="train", test="test").to_frame()
    mean = cell_means(transfer)
    assert found.columns == ["train", "224", "448"]
    assert found.row(0) == ("224", pytest.approx(mean[224, 224]), pytest.approx(mean[224, 448]))
