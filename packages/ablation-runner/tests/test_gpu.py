"""What `nox -s gpu` runs on a GPU, and the same by the same code at tiny shapes on the CPU."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ablation_runner.storage.records import read_record

Ablate = Callable[..., subprocess.CompletedProcess[str]]
BENCH = Path(__file__).parents[1] / "bench" / "throughput.py"
DEVICES = [
    pytest.param("gpu", marks=pytest.mark.gpu),
    pytest.param("cpu", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def throughput() -> ModuleType:
    """The script that measures."""
    spec = spec_from_file_location("throughput", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["throughput"] = module_from_spec(spec)  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("zero_stage", [2, 3])
@pytest.mark.parametrize("device", DEVICES)
def test_a_study_in_bfloat16_goes_on_after_a_kill(
    ablate: Ablate, tmp_path: Path, tiny_study: Path, device: str, zero_stage: int
) -> None:
    engine = {"precision": '"bfloat16"', "zero_stage": zero_stage, "checkpoint_every": 3}
    settings = [f"engine.{name}={value}" for name, value in engine.items()] + ["seeds=[0]"]
    study = "fusion-method" if device == "gpu" else str(tiny_study)
    if device == "gpu":
        settings.append("training.steps=60")
    command = ["run", study, "--workers", "1", *(part for each in settings for part in ("--set", each))]
    kill_at_a_checkpoint(command, tmp_path)
    done = ablate(tmp_path, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "continues at step" in done.stdout
    trials = [read_record(path) for path in tmp_path.glob("runs/*/trials/*/trial.json")]
    assert len(trials) >= 3
    assert {trial["status"] for trial in trials if trial} == {"finished"}


def kill_at_a_checkpoint(command: list[str], folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ablation_runner", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 300
    while not list(folder.glob("runs/stages/*/checkpoint/latest.json")):
        assert process.poll() is None, "it ended before a checkpoint was written"
        assert time.monotonic() < until, "no checkpoint was written"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("zero_stage", [2, 3])
def test_the_throughput_of_tiny_shapes_is_measured_on_the_cpu(zero_stage: int) -> None:
    shape = ["--tiny", "--steps", "3", "--images", "2", "--words", "8", "--zero-stage", str(zero_stage)]
    done = subprocess.run(
        [sys.executable, str(BENCH), *shape],
        env={**os.environ, "DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    line = done.stdout.splitlines()[-1]
    assert line.startswith(f"tiny shapes, ZeRO-{zero_stage}, bfloat16, 1 × CPU: ")
    assert "MFU unknown (no peak for this device)" in line


def test_a_backward_pass_takes_twice_the_flops_of_a_forward_pass(
    throughput: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    model = throughput.make_model(tiny=True).train()
    pixels, ids, labels = throughput.make_batch(model, images=2, words=8)
    with FlopCounterMode(display=False) as forward:
        loss = model(pixels, ids, labels=labels).loss
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    # The first layer asks for no gradient of the pixels.
    assert backward.get_total_flops() == pytest.approx(2 * forward.get_total_flops(), rel=0.1)


def test_peaks_are_told_apart_by_the_whole_name(throughput: ModuleType) -> None:
    assert throughput.peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert throughput.peak_flops("NVIDIA H100 PCIe") == 756e12
    assert throughput.peak_flops("NVIDIA A100-SXM4-80GB") == 312e12
    assert throughput.peak_flops("NVIDIA L40") is None  # no L4
    assert throughput.utilisation(989 * 10**10, 0.02, peak=989e12) == pytest.approx(0.5)


WHOLE_STUDY = """
title = "Does the plan know what fits?"
question = "How much of the GPU's memory does training take?"
seeds = [0]

[engine]
zero_stage = 2
precision = "bfloat16"

[baseline]
encoder = { name = "clip-vit-l-14-336", weights = "random", image_size = 336, feature_layer = -2 }
tokens = { budget = 576 }
training = { steps = 6, images_per_step = 32, questions_per_image = 4, validations = 1 }

[baseline.model]
connector = "mlp"
feature_norm = "none"
language_model = { name = "smollm2-360m", repository = "language-model", pretrained = false }

[baseline.data]
task = { name = "scenes", tasks = ["object", "attribute"], size = 336, train = 64, validation = 8, test = 8 }

[factors.fusion]
path = "model.connector"
levels = { mlp = "mlp", q-former = { name = "q-former", queries = 32, depth = 6, width = 768, heads = 12 } }
"""


@pytest.mark.gpu
def test_training_at_full_shapes_takes_the_memory_that_the_plan_says(
    ablate: Ablate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    from gpu_stand_ins import CONFIGURATIONS, save_tiny_language_model

    place = save_tiny_language_model("smollm2-360m", tmp_path, ["what is it?"])
    (place / "config.json").write_text(json.dumps(CONFIGURATIONS["smollm2-360m"]), encoding="utf-8")
    place.rename(tmp_path / "language-model")
    study = tmp_path / "whole.toml"
    study.write_text(WHOLE_STUDY, encoding="utf-8")
    planned = json.loads(ablate(tmp_path, "plan", study, "--json").stdout)
    expected = {arm["name"]: arm["memory"]["total"] for arm in planned["arms"]}
    done = ablate(tmp_path, "run", study)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in tmp_path.glob("runs/*/trials/*/trial.json"):
        record = read_record(path)
        assert record is not None
        print(
            f"{record['arm']}: {record['peak_gpu_memory_bytes'] / 2**30:.2f} GiB, planned {expected[record['arm']] / 2**30:.2f}"
        )
        assert record["peak_gpu_memory_bytes"] == pytest.approx(expected[record["arm"]], rel=0.3)
