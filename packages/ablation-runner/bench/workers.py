"""Trials per minute of one, two and four workers: `python workers.py [STUDY.toml]`; run it on a quiet machine.

Every number of workers runs the same study into a folder of its own. The time is that of the whole command less that
of the same command with nothing left to do; features are computed in it once.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKERS = (1, 2, 4)
STUDY = """
title = "Does a second layer help?"
question = "One layer or two?"
seeds = [0, 1, 2, 3]
[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 64, depth = 2 } }
training = { steps = 200, images_per_step = 8, questions_per_image = 4, learning_rate = 3e-3, validations = 2 }
[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]
"""


def seconds(study: Path, runs: Path, workers: int) -> float:
    """Seconds of a whole command."""
    command = [sys.executable, "-m", "ablation_runner", "run", str(study), "--runs", str(runs)]
    began = time.perf_counter()
    subprocess.run([*command, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Prints a row per number of workers."""
    with tempfile.TemporaryDirectory() as scratch:
        study = Path(scratch) / "study.toml"
        if len(sys.argv) > 1:
            shutil.copy(sys.argv[1], study)
        else:
            study.write_text(STUDY, encoding="utf-8")
        print("workers  trials  seconds  trials/minute")
        for workers in WORKERS:
            runs = Path(scratch) / str(workers)
            taken = seconds(study, runs, workers) - seconds(study, runs, workers)
            trials = len(list(runs.glob("study/trials/*/trial.json")))
            print(f"{workers:7}  {trials:6}  {taken:7.1f}  {60 * trials / taken:13.2f}")


if __name__ == "__main__":
    main()
