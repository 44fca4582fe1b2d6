"""A report of 40 arms, 10 seeds and 100,000 questions: time, memory and size of the page."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ARMS, SEEDS, QUESTIONS = 40, 10, 100_000
SECONDS, BYTES, PAGE = 30.0, 2 * 2**30, 10 * 10**6
MADE = runpy.run_path(str(Path(__file__).with_name("test_report_made_run.py")))

# One arm is the blind control, which every study has. The claim gives a margin, and with it a recommendation.
STUDY = f"""
title = "Forty arms"
question = "Which depth?"
seeds = {list(range(SEEDS))}

[baseline]
data = {{ task = "easy-vqa", limit = 64, validation_images = 4 }}
tokens = {{ budget = 16 }}
model = {{ connector = "mlp", language_model = {{ name = "llama-tiny", width = 32, depth = 1 }} }}
training = {{ steps = 100, learning_rate = 1e-3 }}

[factors.rate]
path = "training.learning_rate"
levels = {[round(1e-3 * (1 + place / 100), 6) for place in range(ARMS - 1)]}

[[claims]]
text = "It does not matter"
arm = "learning_rate-0.00101"
kind = "equivalent"
margin = 0.01
"""

_REPORT = """
import json, sys, time
from pathlib import Path
from ablation_runner.analysis import analyze
from ablation_runner.running.prepared import prepare
from ablation_runner.report import write_report
prepared = prepare(sys.argv[1], runs=Path(sys.argv[2]))
started = time.perf_counter()
results = analyze(prepared)
analysed = time.perf_counter()
page = write_report(results, Path(sys.argv[2]) / "report")
done = time.perf_counter()
# Not ru_maxrss: a child inherits the peak of the process that started it, here one that ran other tests.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps({"analyse": analysed - started, "write": done - analysed, "peak": peak, "page": page.stat().st_size}))
"""


@pytest.mark.slow
def test_a_large_report_is_quick_and_small(tmp_path: Path) -> None:
    prepared = MADE["make_run"](
        tmp_path, STUDY, score=lambda arm, condition, seed: 0.3 if arm == "blind" else 0.7, asked=QUESTIONS
    )
    assert len(prepared.trials) == ARMS * SEEDS
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, str(tmp_path / "made.toml"), str(tmp_path)],
        capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    measured = json.loads(done.stdout.splitlines()[-1])
    print(measured)
    assert measured["peak"] < BYTES
    assert measured["page"] < PAGE
    assert measured["analyse"] + measured["write"] < SECONDS
