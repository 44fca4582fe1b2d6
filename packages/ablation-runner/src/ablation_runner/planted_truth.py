"""The command of the built-in study planted-truth: simulated studies whose truth is known, one test item each.

`python -m ablation_runner.planted_truth TRUTH JUDGED_BY STUDIES SEED OUT` leaves OUT/items.parquet, in which a study has the value 1
where it was judged rightly; the arms "perfect" and "promised" are what the others are held against, always right and as
often as planned.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl

import ablation_stats as stats

PERFECT, PROMISED = (
    "perfect",
    "promised",
)  # what the others are held against: always right, and as often as planned


def write_items(truth: str, judged_by: str, *, studies: int, seed: int, out: Path) -> None:
    """Writes an item for each of so many simulated studies.

    Args:
        truth: of `ablation_stats.judged_rightly`, or "perfect" or "promised".
        judged_by: "judge" or "naive".
        studies: how many, at least 1.
        seed: of the studies; arms of one seed draw different ones.
        out: a folder.

    Raises:
        ValueError: as `ablation_stats.judged_rightly`.
    """
    if truth in (PERFECT, PROMISED):
        right = np.full(studies, 1.0 if truth == PERFECT else stats.promised_power("gain"))
    else:
        rng = np.random.default_rng([seed, crc32(f"{truth} {judged_by}".encode())])
        right = stats.judged_rightly(truth, studies=studies, rng=rng, judged_by=judged_by).astype(float)
    names = [f"study-{index:05d}" for index in range(studies)]
    pl.DataFrame({"item": names, "value": right}).write_parquet(out / "items.parquet")


def main(arguments: Sequence[str]) -> None:
    """Reads the arguments in the order of the module's first line."""
    truth, judged_by, studies, seed, out = arguments
    write_items(truth, judged_by, studies=int(studies), seed=int(seed), out=Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
