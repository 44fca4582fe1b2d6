"""Tables of one arm that do not name it."""

import polars as pl
import pytest

import ablation_stats as stats


def test_a_table_without_arm_and_seed_is_of_those_it_was_given_as(tmp_path):
    path = tmp_path / "items.csv"
    pl.DataFrame({"item": [1, 2], "value": [1.0, 0.0]}).write_csv(path)
    by_text = stats.read_results([f"mlp@3={path}"])
    assert by_text.select("arm", "seed").unique().rows() == [("mlp", 3)]
    # A name that the text form could not hold is given as it is.
    by_source = stats.read_results([stats.ResultSource(path, "mlp=2 @ x/y", 4)])
    assert by_source.select("arm", "seed").unique().rows() == [("mlp=2 @ x/y", 4)]


def test_a_table_is_not_given_as_an_arm_that_it_does_not_hold(tmp_path):
    path = tmp_path / "items.csv"
    pl.DataFrame({"arm": ["mlp", "linear"], "item": [1, 1], "value": [1.0, 0.0]}).write_csv(path)
    with pytest.raises(ValueError, match=r"items.csv: given as arm 'mlp', and it holds arm 'linear'"):
        stats.read_results([f"mlp={path}"])
