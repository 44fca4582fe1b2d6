"""Damaged checkpoints are set aside before a study goes on, so that they cost time and no trial."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import Prepared, prepare
from ablation_runner.cleaning.recovery import mend
from ablation_runner.leases import try_lease
from ablation_runner.storage.files import write_json
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import StageFolder

FILE = "step-000004.safetensors"
STATE = {"file": FILE, "step": 4, "seconds": 1.0, "curve": []}


@pytest.fixture
def prepared(tmp_path: Path, tiny_study: Path) -> Prepared:
    return prepare(str(tiny_study), runs=tmp_path / "runs")


@pytest.fixture
def stage(prepared: Prepared) -> StageFolder:
    """A stage that was interrupted after its fourth step."""
    folder = prepared.folder.stage(prepared.trials[0].stages[-1])
    weights = folder.checkpoint / FILE
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"0123456789")
    write_record(folder.checkpoint / "latest.json", STATE, files=[weights])
    return folder


def mended(prepared: Prepared) -> list[str]:
    return list(mend(prepared.folder, prepared.trials))


def test_a_whole_checkpoint_stays(prepared: Prepared, stage: StageFolder) -> None:
    assert mended(prepared) == []
    assert (stage.checkpoint / FILE).is_file()


def test_a_checkpoint_that_was_being_written_is_no_damage(prepared: Prepared, stage: StageFolder) -> None:
    (stage.checkpoint / "latest.json").unlink()
    assert mended(prepared) == []


@pytest.mark.parametrize("file", ["..", "../../..", "/etc", "", "a/b", "step-000008", 4, None])
def test_a_file_that_lies_elsewhere_starts_the_stage_afresh(
    prepared: Prepared, stage: StageFolder, file: Any
) -> None:
    latest = stage.checkpoint / "latest.json"
    write_json(latest, {**json.loads(latest.read_text(encoding="utf-8")), "file": file})
    (line,) = mended(prepared)
    assert line == (
        f"stage {stage.path.name}: its checkpoint is not what was written; it is trained from its first step"
    )
    assert not stage.checkpoint.exists()


def same_size(stage: StageFolder) -> None:
    (stage.checkpoint / FILE).write_bytes(b"012345678X")


def shorter(stage: StageFolder) -> None:
    (stage.checkpoint / FILE).write_bytes(b"01")


def no_json(stage: StageFolder) -> None:
    (stage.checkpoint / "latest.json").write_text("{", encoding="utf-8")


def no_step(stage: StageFolder) -> None:
    write_json(stage.checkpoint / "latest.json", {"file": FILE})


@pytest.mark.parametrize("damage", [same_size, shorter, no_json, no_step])
def test_a_damaged_checkpoint_starts_the_stage_afresh(
    prepared: Prepared, stage: StageFolder, damage: Callable[[StageFolder], None]
) -> None:
    damage(stage)
    assert len(mended(prepared)) == 1
    assert not stage.checkpoint.exists()


def test_the_checkpoint_of_a_stage_in_work_is_left_alone(prepared: Prepared, stage: StageFolder) -> None:
    same_size(stage)
    with try_lease(stage.lease_file):
        assert mended(prepared) == []
    assert stage.checkpoint.exists()
