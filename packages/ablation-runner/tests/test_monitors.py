"""DeepSpeed's monitors write what training does into the trial's folder, and change no trial."""

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ablation_runner.study import Engine
from ablation_runner.trial.engine.monitors import monitor_config, wandb_run

Ablate = Callable[..., subprocess.CompletedProcess[str]]
SEEN = list(range(4, 52, 4))  # images, after each of the study's twelve steps of four


def test_monitors_are_deepspeeds_by_name(tmp_path: Path) -> None:
    every = Engine(monitors=["csv", "tensorboard", "wandb"])
    made = monitor_config(every, tmp_path / "trial" / "monitors" / "answers")
    assert list(made) == ["csv_monitor", "tensorboard", "wandb"]
    assert all(settings["enabled"] for settings in made.values())
    assert made["csv_monitor"]["output_path"] == str(tmp_path / "trial" / "monitors")
    assert made["csv_monitor"]["job_name"] == "answers"


@pytest.mark.parametrize(
    ("monitors", "rank", "runs"), [(["wandb"], 0, 2), (["wandb"], 1, 0), (["csv"], 0, 0), ([], 0, 0)]
)
def test_at_wandb_a_stage_has_a_run_that_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, monitors: list[str], rank: int, runs: int
) -> None:
    told: list[tuple[object, ...]] = []

    @contextmanager
    def init(**asked: str) -> Iterator[None]:
        told.append((asked["group"], asked["name"], asked["dir"]))
        yield
        told.append(("end",))

    package = ModuleType("wandb")
    package.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
    monkeypatch.delenv("WANDB_DIR", raising=False)
    folders = [tmp_path / "mlp-seed0" / "monitors" / name for name in ("captions", "answers")]
    for folder in folders:
        with wandb_run(Engine.model_validate({"monitors": monitors}), folder if monitors else None):
            told.append(("trains",))
    begun = [("mlp-seed0", folder.name, str(folder)) for folder in folders]
    each = [[begun[0], ("trains",), ("end",)], [begun[1], ("trains",), ("end",)]]
    assert told == ([*each[0], *each[1]] if runs else [("trains",)] * 2)


@pytest.mark.slow
def test_losses_of_every_step_lie_in_the_trials_folder(
    ablate: Ablate, tmp_path: Path, tiny_study: Path
) -> None:
    run = ["run", tiny_study, "--set", "seeds=[0]"]
    done = ablate(tmp_path, *run, "--set", 'engine.monitors=["csv", "tensorboard"]')
    assert done.returncode == 0, done.stdout + done.stderr
    folders = list(tmp_path.glob("runs/tiny/trials/*/monitors/answers"))
    assert len(folders) == 3
    for folder in folders:
        losses = list(csv.reader((folder / "Train_loss.csv").read_text(encoding="utf-8").splitlines()))[1:]
        drawn = scalars(folder)
        assert drawn["Train/loss"] == pytest.approx({int(seen): float(loss) for seen, loss in losses})
        assert list(drawn["Train/loss"]) == list(drawn["Train/Samples/lr"]) == SEEN
        assert list(drawn["Validation/loss"]) == [16, 32, 48]
        assert (folder / "Train_Samples_lr.csv").is_file()
    assert "Nothing to do" in ablate(tmp_path, *run).stdout  # the same trials without monitors


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """What TensorBoard draws: name to value by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {
        name: {event.step: event.value for event in events.Scalars(name)} for name in events.Tags()["scalars"]
    }
