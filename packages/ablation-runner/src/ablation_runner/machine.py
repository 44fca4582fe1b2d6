"""Whether this machine can train as a study says, before anything is started."""

import os
import shutil
from importlib.util import find_spec

from ablation_runner.errors import StudyError
from ablation_runner.resources import gpus
from ablation_runner.study import Engine

_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}
_COMPILERS = ("c++", "g++", "clang++")


def check_machine(engine: Engine) -> None:
    """Nothing, where a trial can be trained here.

    Args:
        engine: of the study.

    Raises:
        StudyError: something the engine needs is missing.
    """
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
