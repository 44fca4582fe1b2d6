"""Every kind of model trains under ZeRO-3 on two real ranks to the losses of stage 0, also where a rank has no image."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vlm_fusion import list_connectors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks are forked")


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[float]]]:
    folder = tmp_path_factory.mktemp("zero")
    script = Path(__file__).with_name("zero_ranks.py")
    environment = {**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(folder / "result.pt", weights_only=True)


@pytest.mark.parametrize("name", [*list_connectors(), "encoder", "objectives"])
def test_zero_3_gives_the_losses_of_stage_0(name: str, losses: dict[str, list[list[float]]]) -> None:
    plain, sharded = losses[name]
    assert plain[0] != plain[-1]
    assert sharded == pytest.approx(plain, rel=1e-5)
