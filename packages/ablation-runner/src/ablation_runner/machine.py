"""Whether this machine can train as a study says, before anything is started."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from ablation_runner.errors import StudyError
from ablation_runner.study import Engine

_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}
_COMPILERS = ("c++", "g++", "clang++")


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    """NVIDIA GPUs that are visible; without importing torch."""
    devices = len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return devices if visible is None else min(devices, len([each for each in visible.split(",") if each]))


def check_machine(engine: Engine, *, processes: int) -> None:
    """Nothing, where a trial can be trained here.

    Args:
        engine: of the study.
        processes: ranks per trial on this machine.

    Raises:
        StudyError: there are fewer GPUs or cores than ranks, or something the engine needs is missing.
    """
    devices, called = (gpus(), "GPUs") if gpus() else (cores(), "cores")
    if processes > devices:
        raise StudyError(
            f"--processes {processes}: this machine has {devices} {called}; use --processes {devices} or fewer"
        )
    for monitor in engine.monitors:
        package = _PACKAGES.get(monitor)
        if package and find_spec(package) is None:
            raise StudyError(
                f'engine.monitors = ["{monitor}"] needs the package {package}: pip install {package}'
            )
    if engine.compile and not any(shutil.which(name) for name in (os.environ.get("CXX", ""), *_COMPILERS)):
        raise StudyError("engine.compile = true needs a C++ compiler: install g++, or leave it out")
    if engine.precision == "float16" and not gpus() and not _cpu_has_float16():
        raise StudyError(
            'engine.precision = "float16": DeepSpeed does not train it on this CPU; use "bfloat16" or "float32"'
        )


def _cpu_has_float16() -> bool:
    """What DeepSpeed asks of a CPU."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
