"""DeepSpeed's monitors, which write what a stage's training does into its trial's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ablation_runner.study import Engine


def monitor_config(engine: Engine, folder: Path) -> dict[str, Any]:
    """What DeepSpeed's configuration says of monitors.

    Args:
        engine: names them.
        folder: of the stage, in that of the trial's monitors.
    """
    files = {"enabled": True, "output_path": str(folder.parent), "job_name": folder.name}
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "csv": ("csv_monitor", files),
        "tensorboard": ("tensorboard", files),
        "wandb": ("wandb", {"enabled": True}),
    }
    return dict(known[name] for name in engine.monitors)


@contextmanager
def wandb_run(engine: Engine, folder: Path | None) -> Iterator[None]:
    """A stage's own run of W&B, where that is switched on; DeepSpeed alone would go on with an earlier stage's.

    Its files lie in the stage's folder, unless WANDB_DIR says where; the trial is its group.

    Args:
        engine: of the study.
        folder: as for `monitor_config`; None where no monitor is switched on.
    """
    if folder is None or "wandb" not in engine.monitors or torch.distributed.get_rank():
        yield
        return
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    place = os.environ.get("WANDB_DIR", str(folder))
    with wandb.init(project="ablate", group=folder.parent.parent.name, name=folder.name, dir=place):
        yield
