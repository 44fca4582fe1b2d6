import re

import numpy as np
import polars as pl
import pytest

from ablation_stats import paired_cube, paired_difference


def test_cells_are_placed_by_id_whatever_the_order_of_rows(study):
    cube = paired_cube(study)
    for shuffle in (1, 2):
        again = paired_cube(study.sample(fraction=1.0, shuffle=True, seed=shuffle))
        np.testing.assert_array_equal(again.values, cube.values)
    row = study.row(17, named=True)
    where = cube.index(row["arm"]), cube.seeds.index(row["seed"]), cube.items.to_list().index(row["item"])
    assert cube.values[where] == row["value"]
    assert cube.clusters[int(cube.cluster_of_item[where[2]])] == row["cluster"]


def test_every_cell_of_a_frame_with_integer_ids_is_found(study):
    numbered = study.with_columns(item=pl.col("item").str.slice(5).cast(pl.Int32))
    np.testing.assert_array_equal(paired_cube(numbered).values, paired_cube(study).values)


@pytest.mark.parametrize("dtype", [pl.Categorical, "enum"])
def test_categorical_and_enum_ids_are_read_by_their_text(study, dtype):
    kind = pl.Enum(study["item"].unique(maintain_order=True)) if dtype == "enum" else dtype
    np.testing.assert_array_equal(
        paired_cube(
            study.with_columns(pl.col("cluster").cast(pl.Categorical), pl.col("item").cast(kind))
        ).values,
        paired_cube(study).values,
    )


def test_lazy_frames_and_parquet_scans_give_the_same_cube(study, tmp_path):
    study.write_parquet(tmp_path / "items.parquet")
    for frame in (study.lazy(), pl.scan_parquet(tmp_path / "items.parquet")):
        np.testing.assert_array_equal(paired_cube(frame).values, paired_cube(study).values)


def test_a_pandas_frame_gives_the_same_cube_or_an_error_that_names_the_extra(study):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(study.to_dict(as_series=False))
    try:
        cube = paired_cube(frame)
    except ImportError as error:
        assert "ablation-stats[pandas]" in str(error)  # noqa: PT017
    else:
        np.testing.assert_array_equal(cube.values, paired_cube(study).values)


def test_duplicates_are_refused_with_their_ids(study):
    doubled = pl.concat([study, study.filter(item="item-0003", arm="mlp", seed=2)])
    with pytest.raises(ValueError, match=r"unique.*arm mlp, seed 2, item item-0003"):
        paired_cube(doubled)


def test_duplicates_are_refused_even_where_another_cell_is_missing(study):
    one = study.filter(item="item-0003", arm="mlp", seed=2)
    swapped = pl.concat([study.filter(~((pl.col("item") == "item-0004") & (pl.col("arm") == "mlp"))), one])
    with pytest.raises(ValueError, match="unique"):
        paired_cube(swapped, on_missing="report")


def test_missing_cells_are_refused_with_their_ids(study):
    holey = study.filter(
        ~((pl.col("item") == "item-0007") & (pl.col("arm") == "mlp") & (pl.col("seed") == 1))
    )
    with pytest.raises(ValueError, match=r"arm mlp, seed 1 lacks items item-0007"):
        paired_cube(holey)


def test_unequal_seeds_are_refused_by_name(study):
    with pytest.raises(ValueError, match="arm mlp, seed 3 has no rows at all"):
        paired_cube(study.filter(~((pl.col("arm") == "mlp") & (pl.col("seed") == 3))))


def test_on_request_what_all_arms_share_is_kept_and_the_rest_listed(study):
    holey = study.filter(
        ~((pl.col("arm") == "mlp") & (pl.col("seed") == 3)),
        ~((pl.col("item") == "item-0007") & (pl.col("arm") == "blind")),
    )
    cube = paired_cube(holey, on_missing="report")
    assert cube.seeds == (0, 1, 2)
    assert cube.items.len() == 119
    assert "3" in cube.left_out[0]
    assert "item-0007" in cube.left_out[1]
    whole = paired_cube(study.filter(pl.col("seed") < 3, pl.col("item") != "item-0007"))
    np.testing.assert_array_equal(cube.values, whole.values)
    assert paired_difference(cube, arm="mlp", baseline="linear").warnings[:2] == cube.left_out


def test_arms_outside_a_comparison_may_have_gaps(study):
    holey = study.filter(~((pl.col("arm") == "blind") & (pl.col("seed") == 3)))
    whole = paired_difference(study, arm="mlp", baseline="linear")
    assert paired_difference(holey, arm="mlp", baseline="linear") == whole


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_scores_that_are_not_finite_are_refused_with_their_ids(study, bad):
    spoilt = study.with_columns(
        value=pl.when(item="item-0005", arm="mlp", seed=0)
        .then(pl.lit(bad, dtype=pl.Float64))
        .otherwise("value")
    )
    with pytest.raises(ValueError, match=r"finite.*arm mlp, seed 0, item item-0005"):
        paired_cube(spoilt)


@pytest.mark.parametrize("bad", [1e160, -1e300])
def test_scores_whose_squares_overflow_are_refused(study, bad):
    with pytest.raises(ValueError, match=r"at most 1e\+100 in size"):
        paired_cube(study.with_columns(value=pl.lit(bad)))


def test_a_null_arm_is_refused_where_arms_are_chosen_too(study):
    spoilt = study.with_columns(arm=pl.when(item="item-0005").then(None).otherwise("arm"))
    with pytest.raises(ValueError, match="column 'arm' must have no null"):
        paired_difference(spoilt, arm="mlp", baseline="linear")


@pytest.mark.parametrize("column", ["arm", "seed", "item", "cluster"])
def test_a_null_id_is_refused(study, column):
    spoilt = study.with_columns(
        pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(ValueError, match=f"column '{column}' must have no null"):
        paired_cube(spoilt)


def test_an_item_in_two_clusters_is_refused(study):
    spoilt = study.with_columns(
        cluster=pl.when(item="item-0005", seed=1).then(pl.lit("x")).otherwise("cluster")
    )
    with pytest.raises(ValueError, match=r"one cluster.*item-0005"):
        paired_cube(spoilt)


@pytest.mark.parametrize("key", ["metric", "task", "condition", "study"])
def test_several_values_of_a_key_must_be_chosen_from(study, key):
    both = pl.concat([study.with_columns(pl.lit(name).alias(key)) for name in ("one", "two")])
    with pytest.raises(ValueError, match=rf"several values of '{key}' \(one, two\)"):
        paired_cube(both)
    np.testing.assert_array_equal(paired_cube(both, **{key: "two"}).values, paired_cube(study).values)
    with pytest.raises(ValueError, match="did you mean 'two'"):
        paired_cube(both, **{key: "tow"})


def test_an_unknown_arm_gets_the_nearest_name(study):
    with pytest.raises(ValueError, match="did you mean 'linear'"):
        paired_difference(study, arm="mlp", baseline="liner")


@pytest.mark.parametrize("column", ["arm", "item", "value"])
def test_a_missing_column_is_named(study, column):
    with pytest.raises(ValueError, match=f"needs a column '{column}'"):
        paired_cube(study.drop(column))


def test_factor_columns_name_the_arms():
    rows = [
        {"encoder": e, "tokens": t, "item": i, "value": float(i)}
        for e in ("clip", "eva")
        for t in (16, 64)
        for i in range(3)
    ]
    cube = paired_cube(pl.DataFrame(rows), arm=["encoder", "tokens"])
    assert cube.arms[0] == "encoder=clip, tokens=16"
    assert cube.factors.columns == ["arm", "encoder", "tokens"]


def test_text_scores_and_float_ids_are_refused(study):
    with pytest.raises(ValueError, match="'value' must hold numbers"):
        paired_cube(study.with_columns(pl.col("value").cast(pl.String)))
    with pytest.raises(ValueError, match="'seed' must hold strings or integers"):
        paired_cube(study.with_columns(pl.col("seed").cast(pl.Float64)))
    with pytest.raises(ValueError, match=re.escape("must be a polars or pandas frame, got list")):
        paired_cube([1, 2])


def test_an_empty_frame_is_refused(study):
    with pytest.raises(ValueError, match="no row"):
        paired_cube(study.clear())
