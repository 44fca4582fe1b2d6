"""Study files broken in generated ways: one line that names a key, exit code 2, nothing written."""

import copy
import functools
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ablation_runner.running.prepared
from ablation_runner import StudyError, prepare
from ablation_runner.study import Study
from ablation_runner.study._toml import toml_value
from vlm_tasks import create_task

RICH = """
[conditions.fewer]
"tokens.budget" = 1

[arms.longer]
factors = ["fusion"]
set = { "model.connector" = { name = "q-former", queries = 2 } }

[design]
kind = "one-factor-at-a-time"
"""
Path_ = tuple[str | int, ...]

junk = st.one_of(
    st.sampled_from(["", "mpl", "a/b", "..", "x" * 300, "@", "\n", "é", "package.module:Name", "os:getcwd"]),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 3),
    st.floats(),
    st.booleans(),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 3) | st.text("ab.", max_size=3), max_size=3),
    st.dictionaries(
        st.sampled_from(["name", "path", "depth", ""]), st.integers() | st.text("a", max_size=2), max_size=2
    ),
)


def places(node: Any, path: Path_ = ()) -> list[Path_]:
    """Every key and index of a parsed file."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in inside for place in ((*path, key), *places(value, (*path, key)))]


def at(node: Any, path: Path_) -> Any:
    return functools.reduce(lambda inner, key: inner[key], path, node)


@st.composite
def mutations(draw: st.DrawFn, valid: dict[str, Any]) -> dict[str, Any]:
    """A valid file with one to three places deleted, misspelt, filled with junk, or copied over another."""
    raw = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        every = places(raw)
        path = draw(st.sampled_from(every))
        parent, key = at(raw, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["delete", "misspell", "fill", "copy", "add"]))
        if kind == "delete":
            del parent[key]
        elif kind == "misspell" and isinstance(parent, dict):
            parent[f"{key}{draw(st.sampled_from('sx.'))}"] = parent.pop(key)
        elif kind == "copy":
            parent[key] = copy.deepcopy(at(raw, draw(st.sampled_from(every))))
        elif kind == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(["name", "extra", "", "path", "steps"]))] = draw(junk)
        else:
            parent[key] = draw(junk)
        if not places(raw):
            break
    return raw


def written(raw: dict[str, Any]) -> str:
    return "".join(f"{toml_value(str(key))} = {toml_value(value)}\n" for key, value in raw.items())


def check(text: bytes, folder: Path, keys: set[str]) -> str | None:
    """The refusal of a study file; None where it is valid after all."""
    path = folder / "broken.toml"
    path.write_bytes(text)
    try:
        prepare(str(path), runs=folder / "runs")
    except StudyError as error:
        message = str(error)
        assert "\n" not in message, message
        assert message.startswith(str(path)), message
        assert any(key in message.removeprefix(str(path)) for key in keys), message
        return message
    finally:
        assert [each.name for each in folder.iterdir()] == ["broken.toml"]
    return None


KEYS = {*Study.model_fields, "arm", "the file"}


@pytest.fixture
def valid(tiny_text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    # The data's fingerprint is taken once, not for every example.
    monkeypatch.setattr(ablation_runner.running.prepared, "create_task", functools.cache(create_task))
    return tomllib.loads(tiny_text.replace("[engine]", RICH + "[engine]"))


def broken_in_generated_ways(valid: dict[str, Any], tmp_path: Path, count: int) -> int:
    refused = 0

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutations(valid))
    def run(raw: dict[str, Any]) -> None:
        nonlocal refused
        refused += check(written(raw).encode(), tmp_path, KEYS | {key for key in raw if key}) is not None

    run()
    return refused


def test_the_study_that_is_broken_is_valid(valid: dict[str, Any], tmp_path: Path) -> None:
    assert check(written(valid).encode(), tmp_path, KEYS) is None


def test_a_broken_study_is_refused_in_one_line_that_names_a_key(
    valid: dict[str, Any], tmp_path: Path
) -> None:
    assert broken_in_generated_ways(valid, tmp_path, 100) > 50


@pytest.mark.slow
def test_two_thousand_broken_studies_are_refused(valid: dict[str, Any], tmp_path: Path) -> None:
    assert broken_in_generated_ways(valid, tmp_path, 2000) > 1000


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_torn_text_is_refused(data: st.DataObject, valid: dict[str, Any], tmp_path: Path) -> None:
    text = written(valid).encode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    torn = text[:start] + data.draw(st.binary(max_size=4)) + text[end:]
    check(torn, tmp_path, KEYS | {"not TOML", "not UTF-8"})


COMMANDS = [
    ("title", {"delete": None}), ("seeds", []), ("seeds", "0"), ("metric", "exact"), ("baseline", 1), ("factors", {}),
    ("claims", {}), ("engine", {"zero_stage": 9}), ("design", {"kind": "latin"}), ("extra", 1),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(("key", "value"), COMMANDS)
def test_a_command_ends_with_2_and_writes_nothing(
    valid: dict[str, Any], tmp_path: Path, command: str, key: str, value: Any
) -> None:
    raw = {name: each for name, each in valid.items() if name != key}
    raw |= {} if value == {"delete": None} else {key: value}
    (tmp_path / "broken.toml").write_text(written(raw), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ablation_runner", command, "broken.toml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert key in done.stderr
    assert "Traceback" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["broken.toml"]
