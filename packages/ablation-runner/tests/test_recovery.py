"""Damaged checkpoints are set aside before a study goes on, so that they cost time and no trial."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import Prepared, prepare
from ablation_runner.files import write_json
from ablation_runner.leases import try_lease
from ablation_runner.records import write_record
from ablation_runner.recovery import mend
from ablation_runner.store import StageFolder

STATE = {"tag": "step-000004", "step": 4, "seconds": 1.0, "curve": []}


@pytest.fixture
def prepared(tmp_path: Path, tiny_study: Path) -> Prepared:
    return prepare(str(tiny_study), runs=tmp_path / "runs")


@pytest.fixture
def stage(prepared: Prepared) -> StageFolder:
    """A stage that was interrupted after its fourth step."""
    folder = prepared.folder.stage(prepared.trials[0].stages[-1])
    weights = folder.checkpoint / "step-000004" / "weights.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"0123456789")
    write_record(folder.checkpoint / "latest.json", STATE, files=[weights])
    return folder


def mended(prepared: Prepared) -> list[str]:
    return list(mend(prepared.folder, prepared.trials))


def test_a_whole_checkpoint_stays(prepared: Prepared, stage: StageFolder) -> None:
    assert mended(prepared) == []
    assert (stage.checkpoint / "step-000004" / "weights.pt").is_file()


def test_a_checkpoint_that_was_being_written_is_no_damage(prepared: Prepared, stage: StageFolder) -> None:
    (stage.checkpoint / "latest.json").unlink()
    assert mended(prepared) == []


@pytest.mark.parametrize("tag", ["..", "../../..", "/etc", "", "a/b", "step-000008", 4, None])
def test_a_tag_that_names_another_folder_starts_the_stage_afresh(
    prepared: Prepared, stage: StageFolder, tag: Any
) -> None:
    latest = stage.checkpoint / "latest.json"
    write_json(latest, {**json.loads(latest.read_text(encoding="utf-8")), "tag": tag})
    (line,) = mended(prepared)
    assert line == (
        f"stage {stage.path.name}: its checkpoint is not what was written; it is trained from its first step"
    )
    assert not stage.checkpoint.exists()


def same_size(stage: StageFolder) -> None:
    (stage.checkpoint / "step-000004" / "weights.pt").write_bytes(b"012345678X")


def shorter(stage: StageFolder) -> None:
    (stage.checkpoint / "step-000004" / "weights.pt").write_bytes(b"01")


def no_json(stage: StageFolder) -> None:
    (stage.checkpoint / "latest.json").write_text("{", encoding="utf-8")


def no_step(stage: StageFolder) -> None:
    write_json(stage.checkpoint / "latest.json", {"tag": "step-000004"})


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
