"""A run folder from elsewhere is data: nothing of it is run, and its names lead nowhere else."""

from pathlib import Path

import pytest

from ablation_runner import StudyError
from ablation_runner.storage.files import write_json
from ablation_runner.storage.lock import read_lock
from ablation_runner.storage.records import is_intact, read_record, write_record
from ablation_runner.storage.store import RunFolder

NAMES = ["../x", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "a\0b", "../../stages/x"]
SOURCE = Path(__file__).parents[1] / "src"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    run = RunFolder(tmp_path / "study")
    with pytest.raises(StudyError, match="cannot be the name of a folder"):
        run.trial(name)
    with pytest.raises(StudyError, match="cannot be the name of a folder"):
        run.stage(name)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "below/../../secret"])
def test_a_record_cannot_speak_for_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"")
    record = tmp_path / "trial" / "trial.json"
    write_json(record, {"status": "finished", "files": {name: {"bytes": 0, "sha256": ""}}})
    assert read_record(record) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", '{"files": 3}', '{"files": {"a": 3}}', "[" * 100_000, "\udcff"]
)
def test_a_record_that_is_none_counts_as_none(tmp_path: Path, content: str) -> None:
    trial = RunFolder(tmp_path / "study").trial("mlp-seed0-00000000")
    trial.path.mkdir(parents=True)
    trial.record_file.write_bytes(content.encode(errors="surrogateescape"))
    assert trial.record() is None
    lock = RunFolder(tmp_path / "study").lock_file
    lock.write_bytes(content.encode(errors="surrogateescape"))
    assert read_lock(RunFolder(tmp_path / "study")) == {}


def test_a_record_stands_for_the_bytes_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"0123456789")
    write_record(tmp_path / "record.json", {"status": "finished"}, files=[tmp_path / "rows"])
    assert is_intact(tmp_path / "record.json")
    (tmp_path / "rows").write_bytes(b"012345678x")
    assert read_record(tmp_path / "record.json") is not None  # the size is all that is looked at
    assert not is_intact(tmp_path / "record.json")
    (tmp_path / "rows").write_bytes(b"012345678")
    assert read_record(tmp_path / "record.json") is None


def test_no_source_unpickles_or_evaluates() -> None:
    forbidden = ("pickle", "torch.load(", "allow_pickle=True", "yaml.load", "eval(", "exec(")
    for path in SOURCE.rglob("*.py"):
        code = "\n".join(line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
        code = code.replace("unpickle", "").replace(".eval(", "")
        code = code.replace("paths.result_pickle", "")  # of submitit: it is looked for, and not read
        assert not [word for word in forbidden if word in code], path
