"""Seeds as needed through the command: two commands at once train each trial once and come to the same end."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

Ablate = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow

DRAW = """
import sys
import numpy as np
seed, gain, out = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
hard, run = np.random.default_rng(0).random(300), np.random.default_rng([seed, int(1000 * abs(gain))])
right = hard + run.normal(0, 0.1, 300) < 0.6 + gain + run.normal(0, 0.02)
rows = np.stack([np.arange(300), right], axis=1)
np.savetxt(f"{out}/items.csv", rows, fmt="%d", delimiter=",", header="item,value", comments="")
"""
STUDY = """
title = "Needed"
question = "Which gain is found?"
metric = "accuracy"
seeds = { min = 3, max = 5, until = "decided", spending = "pocock" }

[baseline]
gain = 0.0

[blind]
gain = -0.5

[factors.gain]
path = "gain"
levels = { none = 0.0, small = 0.031, large = 0.25 }

[engine]
command = "{python} draw.py {seed} {gain} {out}"
sources = ["draw.py"]
results = "items.csv"

[[claims]]
text = "A large gain is seen."
arm = "large"
kind = "better"

[[claims]]
text = "A small gain is seen."
arm = "small"
kind = "better"
"""


def test_two_commands_add_the_same_seeds_and_a_third_finds_nothing_to_do(
    ablate: Ablate, tmp_path: Path
) -> None:
    (tmp_path / "draw.py").write_text(DRAW, encoding="utf-8")
    (tmp_path / "needed.toml").write_text(STUDY, encoding="utf-8")
    plan = ablate(tmp_path, "plan", "needed.toml").stdout
    assert "4 arms × 3 to 5 seeds" in plan
    assert "12 to 18 trials" in plan
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: ablate(tmp_path, "run", "needed.toml", "--workers", 1), range(2)))
    assert [done.returncode for done in ended] == [0, 0], [done.stdout + done.stderr for done in ended]
    assert sum(done.stdout.count(": finished in") for done in ended) == 14
    files = list(tmp_path.glob("runs/needed/trials/*/items.parquet"))
    seeds = pl.concat(map(pl.read_parquet, files)).group_by("arm").agg(pl.col("seed").n_unique())
    assert dict(seeds.iter_rows()) == {"none": 4, "small": 4, "large": 3, "blind": 3}
    assert "Nothing to do: all 14 trials" in ablate(tmp_path, "run", "needed.toml").stdout
    assert "A large gain is seen. decided: After 3" in ablate(tmp_path, "status", "needed.toml").stdout
