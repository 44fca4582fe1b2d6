import numpy as np
import polars as pl
import pytest

import ablation_stats as stats


@pytest.fixture(scope="module")
def costs():
    return pl.DataFrame(
        {
            "arm": ["base", "mlp", "qformer"],
            "connector": ["linear", "mlp", "qformer"],
            "parameters": [1000, 1004, 1250],
            "visual_tokens": [16, 16, 4],
            "optimizer": ["adamw", "adamw", "lion"],
            "train_seconds": [100.0, 104.0, 160.0],
        }
    )


def test_only_what_differs_beyond_the_tolerance_is_a_confound(costs):
    rows, findings = stats.confound_report(costs, baseline="base", factors=["connector"])
    differing = {(row.arm, row.quantity) for row in rows if row.differs}
    assert differing == {
        ("qformer", name) for name in ("parameters", "visual_tokens", "optimizer", "train_seconds")
    }
    text = next(each.text for each in findings if "parameters" in each.text)
    assert "1,250 against 1,000 (+25.0%)" in text
    assert "not identifiable" in text
    assert [each.severity for each in findings if "train_seconds" in each.text] == ["note"]
    assert any(row.change == pytest.approx(0.004) for row in rows)


def test_a_quantity_that_every_arm_changes_is_named(costs):
    _, findings = stats.confound_report(costs, baseline="qformer", factors=["connector"])
    assert any("no comparison with it holds parameters equal" in each.text for each in findings)


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_a_cost_that_is_not_known_is_a_confound(unknown):
    table = pl.DataFrame({"arm": ["base", "mlp"], "parameters": [1000.0, unknown]})
    _, findings = stats.confound_report(table, baseline="base")
    assert "None against 1,000" in findings[0].text


def test_one_cluster_is_audited_over_seeds_and_one_cluster_under_one_seed_is_an_error(study):
    one = study.with_columns(cluster=pl.lit("only"))
    assert stats.assay_sensitivity(one, baseline="linear", control="blind") == ()
    (found,) = stats.assay_sensitivity(one.filter(seed=0), baseline="linear", control="blind")
    assert found.severity == "error"
    assert "nothing varies" in found.text


def test_costs_per_seed_are_averaged_and_settings_must_agree(costs):
    again = pl.concat(
        [costs.with_columns(seed=pl.lit(s), parameters=pl.col("parameters") + s) for s in (0, 2)]
    )
    rows, _ = stats.confound_report(again, baseline="base", factors=["connector", "seed"])
    assert next(row.value for row in rows if row.quantity == "parameters" and row.arm == "mlp") == "1,005"


def test_bad_cost_tables_are_refused(costs):
    with pytest.raises(ValueError, match="did you mean 'base'"):
        stats.confound_report(costs, baseline="bse")
    with pytest.raises(ValueError, match="nothing to compare"):
        stats.confound_report(costs.select("arm"), baseline="base")
    with pytest.raises(ValueError, match="did you mean 'connector'"):
        stats.confound_report(costs, baseline="base", factors=["conector"])


def test_what_was_declared_and_is_not_reported_is_an_error(study):
    with_metrics = pl.concat(
        [
            study.with_columns(metric=pl.lit("match")),
            study.filter(pl.col("arm") != "blind").with_columns(metric=pl.lit("anls")),
        ]
    )
    found = stats.selective_reporting(
        with_metrics.filter(~((pl.col("arm") == "mlp") & (pl.col("seed") == 2))),
        arms=["linear", "mlp", "qformer", "twin", "perceiver"],
        metrics=["match", "cider"],
        seeds=[0, 1, 2, 3],
    )
    texts = " ".join(each.text for each in found)
    for part in (
        "Declared but not reported: arm perceiver",
        "Reported but not declared: arm blind",
        "Declared but not reported: metric cider",
        "mlp lacks seeds 2",
        "blind is not reported on metric anls",
    ):
        assert part in texts


def test_a_complete_report_has_nothing_to_find(study):
    arms = ["linear", "mlp", "qformer", "twin", "blind"]
    assert stats.selective_reporting(study, arms=arms, seeds=[0, 1, 2, 3]) == ()


def test_the_best_of_k_is_the_expected_maximum_of_k_normals():
    rng = np.random.default_rng(0)
    for k in (1, 2, 7):
        assert stats.best_of_k_inflation(k) == pytest.approx(
            rng.normal(0, 1, (200_000, k)).max(1).mean(), abs=0.01
        )
    assert stats.best_of_k_inflation(2) == pytest.approx(1 / np.pi**0.5)


def test_seed_sufficiency_grades_by_the_number_of_seeds(study):
    def checks(seeds):
        return [
            each.severity
            for each in stats.seed_sufficiency(study.filter(pl.col("seed") < seeds), baseline="linear")
        ]

    assert checks(1) == ["error"]
    assert checks(2)[0] == "warning"
    assert checks(3)[0] == "note"


def test_a_control_that_is_not_told_apart_is_an_error(study):
    assert stats.assay_sensitivity(study, baseline="linear", control="blind") == ()
    found = stats.assay_sensitivity(study, baseline="linear", control="twin")[0]
    assert found.severity == "error"
    assert "No arm can be called equivalent" in found.text
    assert stats.assay_sensitivity(study, baseline="linear", control=None)[0].severity == "warning"


def test_differences_within_the_noise_are_not_to_be_ranked(study):
    claims = [stats.Claim(text="twin wins", arm="twin", baseline="linear")]
    found = stats.over_interpretation(stats.judge(claims, study))[0]
    assert "within its noise" in found.text
    assert found.subject == "twin wins"


def test_the_audit_gathers_everything_the_most_severe_first(study):
    claims = [stats.Claim(text="twin wins", arm="twin", baseline="linear")]
    holey = study.filter(~((pl.col("arm") == "mlp") & (pl.col("seed") == 3)))
    costs = pl.DataFrame({"arm": ["linear", "twin"], "parameters": [10, 20]})
    found = stats.audit(
        holey,
        baseline="linear",
        claims=claims,
        verdicts=stats.judge(claims, study),
        not_converged=["twin"],
        costs=costs,
    )
    order = [("error", "warning", "note").index(each.severity) for each in found]
    assert order == sorted(order)
    assert {each.check for each in found} >= {
        "convergence",
        "confound",
        "selective reporting",
        "assay sensitivity",
        "over-interpretation",
        "seeds",
    }
    assert stats.results_frame(found).columns == ["check", "severity", "subject", "text"]


def test_the_smallest_dose_is_found_from_the_largest_down(frame_of):
    rng = np.random.default_rng(0)
    base = rng.normal(0, 0.3, (1, 100))
    worth = {"4": -0.3, "8": -0.1, "16": -0.005, "32": 0.0, "64": 0.0}
    frame = frame_of({dose: base + shift + rng.normal(0, 0.03, (5, 100)) for dose, shift in worth.items()})
    found, tests = stats.smallest_non_inferior_dose(frame, doses=list(worth), margin=0.03)
    assert found.dose == "16"
    assert [test.comparison.arm for test in tests] == ["32", "16", "8"]
    assert "8 is the first" in found.reason
    none, _ = stats.smallest_non_inferior_dose(frame, doses=["4", "64"], margin=0.03)
    assert none.dose is None
    lower = frame.with_columns(-pl.col("value"))
    assert (
        stats.smallest_non_inferior_dose(lower, doses=list(worth), margin=0.03, higher_is_better=False)[
            0
        ].dose
        == "16"
    )
    with pytest.raises(ValueError, match="at least 2 different arms"):
        stats.smallest_non_inferior_dose(frame, doses=["4"], margin=0.1)
