"""Trials per minute of one, two and four workers on one study; run it on a quiet machine.

Every number of workers runs the same study into a folder of its own, with the features already there. The time is that of
the whole command less that of the same command with nothing left to do, so a worker's start counts, and planning and
the report do not. `--quick` takes two trials of few steps, and judges nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ablation_runner.resources import cores, gpus

WORKERS = (1, 2, 4)
QUICK = ("--set", "seeds=[0]", "--set", "training.steps=20")
STUDY = """
title = "Does a second layer help?"
question = "One layer or two?"
seeds = [0, 1, 2, 3]
[baseline]
data = { task = "easy-vqa", limit = 2000, validation_images = 8 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 64, depth = 2 } }
training = { steps = 200, images_per_step = 8, questions_per_image = 4, learning_rate = 3e-3, validations = 2 }
[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]
"""


def seconds(study: Path, runs: Path, options: Sequence[str]) -> float:
    """Seconds of a whole command."""
    command = [sys.executable, "-m", "ablation_runner", "run", str(study), "--runs", str(runs), *options]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Prints a line per number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "study", nargs="?", type=Path, help="a study's file; a small one of eight trials if left out"
    )
    parser.add_argument("--quick", action="store_true", help="one seed and 20 steps")
    asked = parser.parse_args()
    options = QUICK if asked.quick else ()
    with tempfile.TemporaryDirectory() as scratch:
        study, first = Path(scratch) / "study.toml", Path(scratch) / "features-first"
        study.write_text(asked.study.read_text(encoding="utf-8") if asked.study else STUDY, encoding="utf-8")
        seconds(study, first, ["--set", "seeds=[0]", "--set", "training.steps=2"])
        print(f"{cores()} cores, {len(gpus())} GPUs", flush=True)
        rate: dict[int, float] = {}
        for workers in WORKERS:
            runs, command = Path(scratch) / f"workers-{workers}", [*options, "--workers", str(workers)]
            shutil.copytree(first / "features", runs / "features")
            taken = seconds(study, runs, command) - seconds(study, runs, command)
            trials = len(list(runs.glob("study/trials/*/trial.json")))
            rate[workers] = 60 * trials / taken
            print(
                f"--workers {workers}: {trials} trials in {taken:.1f} s, {rate[workers]:.2f} a minute, "
                f"{rate[workers] / rate[1]:.2f} times one worker's",
                flush=True,
            )


if __name__ == "__main__":
    main()
