"""An allocator inside a model trains under ZeRO-3 on two real ranks to the losses of stage 0, price fitted between stages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("deepspeed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="ranks are forked"),
]


def test_zero_3_gives_the_losses_of_stage_0_through_all_three_stages(tmp_path):
    script = Path(__file__).with_name("allocator_ranks.py")
    environment = {**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for plain, sharded in torch.load(tmp_path / "result.pt", weights_only=True).values():
        assert len(set(plain)) == len(plain) == 6
        assert sharded == pytest.approx(plain, rel=1e-5)
