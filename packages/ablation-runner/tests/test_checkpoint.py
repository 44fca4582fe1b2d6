"""A checkpoint that cannot be used is said in one line, and nothing of it is run."""

import pickle
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import StageFolder
from ablation_runner.trial.engine import checkpoint
from ablation_runner.trial.engine.checkpoint import History, read_checkpoint

SHAPES = {"weight": (3, 2), "bias": (3,)}
STATE = {"global_steps": 4, "global_samples": 32, "micro_steps": 4, "skipped_steps": 0, "scheduled_steps": 4}


class Planted:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (str(self.mark),)


@pytest.fixture(autouse=True)
def _one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "agreed", bool)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)


def tensors() -> dict[str, torch.Tensor]:
    kinds = ("weight", "exp_avg", "exp_avg_sq")
    made = {f"{kind}/{name}": torch.full(shape, 0.5) for name, shape in SHAPES.items() for kind in kinds}
    return made | {f"step/{name}": torch.tensor(4.0) for name in SHAPES}


def write(folder: StageFolder, content: dict[str, torch.Tensor] | bytes, **changes: Any) -> None:
    folder.checkpoint.mkdir(parents=True)
    file = folder.checkpoint / "step-000004.safetensors"
    file.write_bytes(content) if isinstance(content, bytes) else save_file(content, file)
    latest = {"file": file.name, **asdict(History(step=4)), "state": STATE} | changes
    write_record(folder.checkpoint / "latest.json", latest, files=[file])


def test_a_checkpoint_that_fits_gives_its_weights(tmp_path: Path) -> None:
    folder, module = StageFolder(tmp_path), nn.Linear(2, 3)
    write(folder, tensors())
    found = read_checkpoint(folder, module, pytest.fail)
    assert found is not None
    found.load_weights(module)
    assert found.history.step == 4
    assert torch.equal(module.weight, torch.full((3, 2), 0.5))


def without(name: str) -> Callable[[], dict[str, torch.Tensor]]:
    return lambda: {key: each for key, each in tensors().items() if key != name}


@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        (without("weight/bias"), {}, "weight/bias is missing"),
        (lambda: tensors() | {"exp_avg/bias": torch.zeros(4)}, {}, r"exp_avg/bias is \[4\], the model's is \[3\]"),
        (lambda: tensors() | {"weight/other": torch.zeros(4)}, {}, "the model has no weight/other"),
        (lambda: b"not safetensors", {}, "not a checkpoint"),
        (tensors, {"state": STATE | {"micro_steps": "many"}}, "micro_steps is 'many', not a number"),
        (tensors, {"state": {"global_steps": 4}}, "global_samples is None, not a number"),
        (tensors, {"state": [1]}, "not a checkpoint"),
        (tensors, {"curve": 7}, "curve is 7"),
        (tensors, {"seconds": None}, "seconds is None"),
        (tensors, {"step": 3}, "step is 3, the engine's 4"),
        (tensors, {"step": "four"}, "step is 'four'"),
        (tensors, {"file": "../step-000004.safetensors"}, "cannot be the name of a folder"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_the_stage_starts_anew(
    tmp_path: Path, content: Callable[[], Any], changes: dict[str, Any], said: str
) -> None:
    write(StageFolder(tmp_path), content(), **changes)
    refused: list[str] = []
    assert read_checkpoint(StageFolder(tmp_path), nn.Linear(2, 3), refused.append) is None
    (line,) = refused
    assert line.endswith("the stage starts anew")
    assert "\n" not in line
    assert re.search(said, line), line


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"files": {}}'])
def test_a_broken_list_of_files_starts_anew(tmp_path: Path, text: str) -> None:
    folder = StageFolder(tmp_path)
    write(folder, tensors())
    (folder.checkpoint / "latest.json").write_text(text, encoding="utf-8")
    refused: list[str] = []
    assert read_checkpoint(folder, nn.Linear(2, 3), refused.append) is None
    assert len(refused) == 1


def test_without_a_checkpoint_nothing_is_said(tmp_path: Path) -> None:
    assert read_checkpoint(StageFolder(tmp_path), nn.Linear(2, 3), pytest.fail) is None


def test_a_pickle_in_place_of_a_checkpoint_is_not_loaded(tmp_path: Path) -> None:
    folder, mark = StageFolder(tmp_path / "stage"), tmp_path / "mark"
    planted = pickle.dumps(Planted(mark))
    write(folder, planted)
    assert read_checkpoint(folder, nn.Linear(2, 3), lambda line: None) is None
    assert not mark.exists()
    pickle.loads(planted)  # the trap works
    assert mark.exists()
