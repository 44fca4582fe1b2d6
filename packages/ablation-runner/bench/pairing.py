"""How much arms of a seed have in common: the correlation of their scores with common random numbers and without."""

import math
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from one_trial import own_world

STUDY = """
title = "Pairing"
question = "How alike are two arms of a seed?"
seeds = {seeds}
[baseline]
data = {{ task = {{ name = "scenes", tasks = ["object"], size = 64, train = 600, validation = 16, test = 400 }}, prompt = "question-only", validation_images = 4 }}
encoder = {{ name = "efficientnet-lite0", image_size = 64 }}
tokens = {{ budget = 4 }}
model = {{ connector = "concatenation", language_model = {{ name = "llama-tiny", width = 32, depth = 1 }} }}
training = {{ steps = 100, images_per_step = 16, questions_per_image = 1, learning_rate = 3e-3, validations = 1 }}
[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]
"""
ARMS = ("concatenation", "mlp")


class Correlation(NamedTuple):
    """A correlation over pairs of trials, with its 95 % interval by Fisher's transformation."""

    r: float
    low: float
    high: float
    pairs: int


class Pairing(NamedTuple):
    """The two arms' scores over seeds.

    Attributes:
        common: arms of the same seed.
        independent: every seed of one arm with the next seed of the other, which share nothing that is random.
        sd_common, sd_independent: standard deviations of the difference of such pairs.
    """

    common: Correlation
    independent: Correlation
    sd_common: float
    sd_independent: float


def run_pairs(folder: Path, *, seeds: int) -> Pairing:
    """Runs a small study of two arms and its blind control, and correlates the arms' accuracies.

    Args:
        folder: empty; the study runs below it.
        seeds: at least 5.
    """
    path = folder / "pairing.toml"
    path.write_text(STUDY.format(seeds=list(range(seeds))), encoding="utf-8")
    command = [sys.executable, "-m", "ablation_runner", "run", str(path), "--runs", str(folder / "runs")]
    done = subprocess.run(command, env=own_world(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    rows = pl.concat(
        map(pl.read_parquet, sorted((folder / "runs" / "pairing").glob("trials/*/items.parquet")))
    )
    means = rows.group_by("arm", "seed").agg(pl.col("value").mean()).sort("seed")
    one, other = (means.filter(arm=arm)["value"].to_numpy() for arm in ARMS)
    return compare_pairs(one, other)


def compare_pairs(one: np.ndarray, other: np.ndarray) -> Pairing:
    """The correlations of two arms' scores, in the order of their seeds."""
    shifted = np.roll(other, 1)
    return Pairing(
        correlation(one, other),
        correlation(one, shifted),
        float(np.std(other - one, ddof=1)),
        float(np.std(shifted - one, ddof=1)),
    )


def correlation(one: np.ndarray, other: np.ndarray) -> Correlation:
    """Pearson's r with its interval (Fisher 1921: atanh(r) is nearly normal, with variance 1 / (n - 3))."""
    r, pairs = float(np.corrcoef(one, other)[0, 1]), len(one)
    half = 1.959964 / math.sqrt(pairs - 3)
    low, high = (math.tanh(math.atanh(r) + side * half) for side in (-1, 1))
    return Correlation(r, low, high, pairs)
