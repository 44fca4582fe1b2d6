"""Values of a study file replaced on the command line, and the study as it was run."""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablation_runner import StudyError, prepare
from ablation_runner.study import find_study, load_study
from ablation_runner.study._override import overridden, parse_override
from ablation_runner.study._toml import study_toml, toml_value

FUSION = find_study("fusion-method")


def test_a_value_below_the_baseline_needs_no_baseline_in_its_path() -> None:
    short, full = (
        load_study(FUSION, overrides=[f"{prefix}training.steps=200"]) for prefix in ("", "baseline.")
    )
    assert short == full
    assert short.baseline.training.steps == 200
    assert load_study(FUSION).baseline.training.steps == 1000


def test_the_last_of_two_values_for_one_path_counts() -> None:
    study = load_study(FUSION, overrides=["seeds=[7]", "engine.clip=0.5", "seeds=[8, 9]"])
    assert study.seeds == [8, 9]
    assert study.engine.clip == 0.5


def test_a_place_in_a_list_is_a_number() -> None:
    claims = load_study(FUSION, overrides=["claims.1.margin=0.5"]).claims
    assert [claim.margin for claim in claims] == [0.01, 0.5, 0.01, 0.01]


def test_a_path_and_a_value_may_hold_equals_signs_in_quotes() -> None:
    assert parse_override('arms.x.set."a=b"="c=d"') == (("arms", "x", "set", "a=b"), "c=d")


def test_what_is_overridden_is_left_as_it_was() -> None:
    raw: dict[str, Any] = {"baseline": {"training": {"steps": 1}}, "claims": [{"margin": 1}]}
    overridden(raw, ["training.steps=2", "claims.0.margin=2"])
    assert raw == {"baseline": {"training": {"steps": 1}}, "claims": [{"margin": 1}]}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.stepz=1", "baseline.training.stepz: unknown key; did you mean 'steps'?"),
        ("train.steps=1", "unknown key 'train'; did you mean 'training'?"),
        ("training.steps=many", "many is not a TOML value (text stands in quotes"),
        ("training.steps=0", "baseline.training.steps: input should be greater than or equal to 1, found 0"),
        ("training.steps", "expected PATH=VALUE, such as training.steps=200"),
        ("=1", "expected PATH=VALUE"),
        ("seeds=1\nmetric='x'", "is not a TOML value"),
        ("claims.4.margin=1", "'4' is no place in a list of 4; use 0 to 3"),
        ("model.connector.depth=1", "'depth' cannot be set inside the value 'concatenation'"),
        ("model.connector='mpl'", "unknown connector 'mpl'; did you mean 'mlp'?"),
        ("title='\udcff'", "not UTF-8 text"),
    ],
)
def test_a_wrong_override_is_named_in_one_line(override: str, expected: str) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(FUSION, overrides=[override])
    assert expected in str(caught.value)
    assert "--set" in str(caught.value)


def test_the_command_that_is_shown_asks_for_the_same_study(tmp_path: Path) -> None:
    overrides = ["training.steps=200", "title='It''s \"quoted\"'", "seeds=[3, 4]"][::2]
    prepared = prepare("fusion-method", runs=tmp_path / "my runs", overrides=overrides)
    words = shlex.split(prepared.command)
    assert words == [
        "ablate", "run", "fusion-method", "--set", overrides[0], "--set", overrides[1],
        "--runs", str(tmp_path / "my runs"),
    ]  # fmt: skip


def test_the_study_as_run_reads_back_as_the_study_that_was_asked_for(tmp_path: Path) -> None:
    overrides = ["training.steps=200", 'title="a \\"b\\" \\\\ \\u007f é"']
    prepared = prepare("fusion-method", runs=tmp_path, overrides=overrides)
    path = tmp_path / "study.toml"
    path.write_text(prepared.text, encoding="utf-8")
    assert load_study(path) == prepared.study == load_study(FUSION, overrides=overrides)


def test_an_unchanged_study_is_kept_word_for_word(tmp_path: Path) -> None:
    assert prepare("fusion-method", runs=tmp_path).text == FUSION.read_text(encoding="utf-8")


def test_another_value_makes_other_trials(tmp_path: Path) -> None:
    one, other = (
        prepare("fusion-method", runs=tmp_path, overrides=[f"training.steps={steps}"]) for steps in (5, 6)
    )
    assert not {trial.name for trial in one.trials} & {trial.name for trial in other.trials}


values = st.recursive(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda child: st.lists(child) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), child),
    max_leaves=10,
)


@given(values)
def test_a_value_written_as_toml_reads_back(value: Any) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}


def test_a_study_written_as_toml_keeps_out_what_was_left_out() -> None:
    again = tomllib.loads(study_toml(load_study(FUSION)))
    assert "engine" not in again
    assert "weight_decay" not in again["baseline"]["training"]
    assert again["baseline"]["training"]["steps"] == 1000
