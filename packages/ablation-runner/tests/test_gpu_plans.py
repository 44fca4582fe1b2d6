"""Every built-in study at gpu scale: its plan resolves, and tiny copies of its models train two steps by the trials' code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ablation_runner.plan import resolve_arms
from ablation_runner.study import built_in_studies, load_study

BY_COMMAND = {"planted-truth"}  # these train nothing here
PROGRAM = Path(__file__).with_name("gpu_arms.py")
DEVICES = ["cpu", pytest.param("gpu", marks=pytest.mark.gpu)]


@pytest.fixture(scope="module", params=DEVICES)
def arms(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of every distinct arm; see gpu_arms.py."""
    here = {"DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""} if request.param == "cpu" else {}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path_factory.mktemp("gpu"))],
        env={**os.environ, **here, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_every_arm_of_every_study_is_there(arms: list[dict[str, Any]]) -> None:
    planned = {
        f"{name}: {arm.name}"
        for name, source in built_in_studies().items()
        for arm in resolve_arms(load_study(source, scale="gpu"))
        if name not in BY_COMMAND
    }
    assert {name for arm in arms for name in arm["arms"]} == planned


def test_tiny_copies_have_the_classes_of_the_models_in_the_plan(arms: list[dict[str, Any]]) -> None:
    for arm in arms:
        assert arm["differs"] == [], arm["arms"]


def test_every_arm_trains_two_steps_a_stage_and_answers(arms: list[dict[str, Any]]) -> None:
    for arm in arms:
        record = arm["record"]
        assert record["status"] == "finished", (arm["arms"], record.get("cause"))
        assert record["steps"] == 2 * arm["stages"]
