"""The machine examined, also where something is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablation_runner.doctor import Finding, _machine, _software, examine


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_everything_that_the_tests_need_is_found_and_nothing_stays_behind(tmp_path: Path) -> None:
    found = by_name(list(examine(tmp_path / "not" / "yet" / "there")))
    assert {"python", "torch", "deepspeed", "accelerator", "cores", "memory", "easy-VQA"} <= found.keys()
    assert [finding for finding in found.values() if finding.state == "broken"] == []
    assert found["easy-VQA"].found == "9,673 test questions"
    assert found["torch"].found.endswith("(needs >=2.6)")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_and_an_old_package_are_named_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ["not-there-at-all>=1", "polars>=999", "numpy>=2", 'easy-vqa>=1; extra == "offline"']
    monkeypatch.setattr(_software, "requires", lambda name: wanted)
    found = by_name(list(_software.packages()))
    assert found["not-there-at-all"].advice == 'pip install "not-there-at-all>=1"'
    assert found["polars"].state == "broken"
    assert "needs >=999" in found["polars"].found
    assert found["numpy"].state == "ok"
    assert "easy-vqa" not in found


def test_missing_data_and_weights_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "easy_vqa", None)
    monkeypatch.setattr(_software.importlib.util, "find_spec", lambda name: None)
    assert _software.easy_vqa().state == _software.lite0().state == "broken"
    assert _software.easy_vqa().advice == _software.lite0().advice == 'pip install "ablation-runner[offline]"'


def test_a_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_machine.tempfile, "TemporaryDirectory", refuse)
    (finding,) = _machine.runs_folder(tmp_path)
    assert finding.state == "broken"
    assert "--runs DIR" in finding.advice


def test_a_file_system_where_everybody_gets_a_lease_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.link", lambda *_: None)
    assert by_name(list(_machine.runs_folder(tmp_path)))["leases"].state == "broken"


def test_the_command_ends_with_1_where_something_is_broken(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['easy_vqa'] = None", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ablation_runner", "doctor", "--json"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    broken = [finding for finding in json.loads(done.stdout) if finding["state"] == "broken"]
    assert [finding["what"] for finding in broken] == ["easy-VQA"]
