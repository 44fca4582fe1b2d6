"""The command `ablation-stats`, as a user meets it: what it prints, what it refuses, and how it ends."""

import json

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats
from ablation_stats._cli import main


@pytest.fixture
def results(tmp_path, study):
    path = tmp_path / "results.parquet"
    study.write_parquet(path)
    return str(path)


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the command 80 columns wide; gives exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return call


def test_compare_gives_the_verdicts_of_judge(run, results, study):
    code, out, _ = run("compare", results, "--baseline", "linear", "--json")
    claims = [
        stats.Claim(text=f"{arm} beats linear", arm=arm, baseline="linear")
        for arm in ("blind", "mlp", "qformer", "twin")
    ]
    expected = stats.judge(claims, study)
    assert code == 0
    shown = json.loads(out)
    assert [(each["claim.arm"], each["verdict"], each["p_adjusted"]) for each in shown] == [
        (each.claim.arm, each.verdict, each.p_adjusted) for each in expected
    ]


def test_a_csv_gives_what_the_parquet_gives(run, results, study, tmp_path):
    study.write_csv(tmp_path / "results.csv")
    there = run("compare", results, "--baseline", "linear", "--json")
    assert run("compare", str(tmp_path / "results.csv"), "--baseline", "linear", "--json") == there


def test_the_table_fits_the_terminal_and_says_it_in_words(run, results):
    code, out, err = run("compare", results, "--baseline", "linear")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines()[2:7]}
    assert rows == {
        "linear": "baseline",
        "blind": "worse",
        "mlp": "inconclusive",
        "qformer": "worse",
        "twin": "inconclusive",
    }
    assert "4 seeds, 120 items in 29 clusters" in out
    assert "This speaks about the recipe on new items." in out


def test_a_margin_asks_for_non_inferiority_and_the_control_is_no_candidate(run, results, study):
    _, out, _ = run(
        "compare", results, "--baseline", "linear", "--margin", "0.2", "--control", "blind", "--json"
    )
    shown = {each["claim.arm"]: each["verdict"] for each in json.loads(out)}
    assert shown["mlp"] == "non-inferior"
    assert sorted(shown) == ["mlp", "qformer", "twin"]


def test_one_seed_speaks_about_these_models(run, tmp_path, frame_of):
    rng = np.random.default_rng(1)
    path = tmp_path / "r.parquet"
    frame_of({"a": rng.random((1, 40)), "b": rng.random((1, 40)) + 0.5}).write_parquet(path)
    _, out, _ = run("compare", str(path), "--baseline", "a")
    assert "This speaks about these trained models on new items." in out


def test_an_arm_whose_name_looks_like_markup_is_shown_as_it_is(run, tmp_path, frame_of):
    rng = np.random.default_rng(1)
    path = tmp_path / "r.parquet"
    frame_of({"[bold]x": rng.random((2, 40)), "[/]": rng.random((2, 40))}).write_parquet(path)
    code, out, _ = run("compare", str(path), "--baseline", "[bold]x")
    assert code == 0
    assert "[bold]x" in out
    assert "[/]" in out


def test_two_logs_are_two_arms(run, tmp_path):
    rng = np.random.default_rng(4)
    for arm, share in (("small", 0.2), ("large", 0.9)):
        lines = [
            {"doc_id": doc, "acc": float(rng.random() < share), "doc_hash": str(doc)} for doc in range(80)
        ]
        (tmp_path / f"{arm}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    files = [f"{arm}={tmp_path / arm}.jsonl" for arm in ("small", "large")]
    code, out, _ = run("compare", *files, "--baseline", "small", "--json")
    assert code == 0
    assert [(each["claim.arm"], each["verdict"]) for each in json.loads(out)] == [("large", "supported")]


def test_audit_gives_the_findings_of_the_library(run, results, study):
    code, out, _ = run("audit", results, "--baseline", "linear", "--control", "blind", "--json")
    assert code == 0
    assert json.loads(out) == [
        each.to_row() for each in stats.audit(study, baseline="linear", control="blind")
    ]


def test_audit_shows_confounds_from_a_table_of_costs(run, results, tmp_path):
    costs = tmp_path / "costs.csv"
    costs.write_text("arm,parameters\nlinear,1\nmlp,2\nqformer,1\ntwin,1\nblind,1\n")
    _, out, _ = run("audit", results, "--baseline", "linear", "--costs", str(costs))
    assert "confound" in out
    assert "parameters" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare", "FILE", "--baseline", "liner"), "did you mean 'linear'"),
        (("compare", "nowhere.parquet", "--baseline", "x"), "nowhere.parquet: no such file"),
        (("compare", "FILE"), "Missing option '--baseline'"),
        (("compare", "FILE", "--baseline", "linear", "--equivalence"), "pass --margin"),
        (("compare", "FILE", "--baseline", "linear", "--margin", "-1"), "above 0, got -1.0"),
        (("compare", "FILE", "--baseline", "linear", "--margin", "x"), "Invalid value for '--margin'"),
        (
            ("compare", "FILE", "--baseline", "linear", "--generalize-to", "all"),
            "--generalize-to must be one of",
        ),
        (("compare", "FILE", "--baseline", "linear", "--metric", "cider"), "no column 'metric'"),
        (("audit", "FILE", "--baseline", "linear", "--costs", "none.csv"), "none.csv"),
        (("audti",), "No such command 'audti'"),
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_exit_code_2(run, results, arguments, said):
    code, out, err = run(*(results if each == "FILE" else each for each in arguments))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("ablation-stats: ")
    assert said in err


def test_a_metric_must_be_chosen_in_the_words_of_the_command_line(run, tmp_path, study):
    path = tmp_path / "two.parquet"
    pl.concat([study.with_columns(metric=pl.lit(name)) for name in ("em", "f1")]).write_parquet(path)
    code, _, err = run("compare", str(path), "--baseline", "linear")
    assert code == 2
    assert (
        err
        == "ablation-stats: the frame holds several values of 'metric' (em, f1); choose one with --metric\n"
    )


def test_gaps_are_refused_until_asked_to_go_on_with_what_is_shared(run, tmp_path, study):
    path = tmp_path / "gap.parquet"
    study.filter((study["arm"] != "mlp") | (study["item"] != "item-0003")).write_parquet(path)
    code, _, err = run("compare", str(path), "--baseline", "linear")
    assert code == 2
    assert "arm mlp, seed 0 lacks items item-0003" in err
    assert "--shared-only" in err
    code, out, _ = run("compare", str(path), "--baseline", "linear", "--shared-only")
    assert code == 0
    assert "119 items" in out


def test_power_gives_the_plan_of_the_library(run, results, study):
    claims = [stats.Claim(text=f"{arm} beats linear", arm=arm, baseline="linear") for arm in ("mlp", "twin")]
    expected = stats.plan(claims, study.filter(pl.col("arm") != "qformer"), seeds=8, items=400, effect=0.05)
    arguments = (
        "--baseline",
        "linear",
        "--control",
        "blind",
        "--seeds",
        "8",
        "--items",
        "400",
        "--effect",
        "0.05",
    )
    path = results.replace("results", "three")
    study.filter(pl.col("arm") != "qformer").write_parquet(path)
    code, out, _ = run("power", path, *arguments, "--json")
    assert code == 0
    shown = {each["claim.arm"]: each for each in json.loads(out)}
    for each in expected:
        assert shown[each.claim.arm]["power"] == each.power
        assert shown[each.claim.arm]["seeds_needed"] == each.seeds_needed


def test_the_plan_fits_the_terminal(run, results):
    code, out, err = run("power", results, "--baseline", "linear", "--margin", "0.05", "--control", "blind")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "4 seeds x 120 items, about the recipe on new items" in out
