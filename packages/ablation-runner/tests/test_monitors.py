"""DeepSpeed's monitors write what training does into the trial's folder, and change no trial."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation_runner.study import Engine
from ablation_runner.trial.engine.engine import _monitor_config

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def test_monitors_are_deepspeeds_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_DIR", raising=False)
    every = Engine(monitors=["csv", "tensorboard", "wandb"])
    made = _monitor_config(every, tmp_path / "trial" / "monitors" / "answers")
    assert list(made) == ["csv_monitor", "tensorboard", "wandb"]
    assert all(settings["enabled"] for settings in made.values())
    assert made["csv_monitor"]["output_path"] == str(tmp_path / "trial" / "monitors")
    assert made["csv_monitor"]["job_name"] == "answers"


@pytest.mark.slow
def test_losses_of_every_step_lie_in_the_trials_folder(
    ablate: Ablate, tmp_path: Path, tiny_study: Path
) -> None:
    run = ["run", tiny_study, "--set", "seeds=[0]"]
    done = ablate(tmp_path, *run, "--set", 'engine.monitors=["csv"]')
    assert done.returncode == 0, done.stdout + done.stderr
    folders = list(tmp_path.glob("runs/tiny/trials/*/monitors/answers"))
    assert len(folders) == 3
    for folder in folders:
        losses = list(csv.reader((folder / "Train_loss.csv").read_text(encoding="utf-8").splitlines()))
        assert [int(row[0]) for row in losses[1:]] == list(range(1, 13))
        assert (folder / "Train_Samples_lr.csv").is_file()
    assert "Nothing to do" in ablate(tmp_path, *run).stdout  # the same trials without monitors
