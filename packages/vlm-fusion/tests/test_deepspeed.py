"""Every kind of model trains under ZeRO-3 on two real ranks to the losses of stage 0, also where a rank has no image."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vlm_fusion import list_connectors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks are forked")


Losses = dict[str, list[list[float]]]
QUICK = ["encoder", "gated-cross-attention", "objectives"]
REST = [name for name in list_connectors() if name not in QUICK]


def losses_of(names: list[str], folder: Path) -> Losses:
    """The losses of each model at stage 0 and at stage 3, from a program of its own."""
    script = Path(__file__).with_name("zero_ranks.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder), *names],
        env={**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Losses = torch.load(folder / "result.pt", weights_only=True)
    return found


@pytest.fixture(scope="module")
def quick_losses(tmp_path_factory: pytest.TempPathFactory) -> Losses:
    return losses_of(QUICK, tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Losses:
    return losses_of(REST, tmp_path_factory.mktemp("rest"))


def agree(plain: list[float], sharded: list[float]) -> None:
    assert plain[0] != plain[-1]
    assert sharded == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("name", QUICK)
def test_zero_3_gives_the_losses_of_stage_0(name: str, quick_losses: Losses) -> None:
    agree(*quick_losses[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", REST)
def test_zero_3_gives_the_losses_of_stage_0_for_every_connector(name: str, losses: Losses) -> None:
    agree(*losses[name])
