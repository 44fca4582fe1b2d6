"""Bootstrap sums over units: exact, and never larger than the table of distinct units."""

import numpy as np
from numpy.typing import NDArray

from ablation_stats._streams import in_chunks
from ablation_stats._unit_counts import CACHED, count_blocks

Table = NDArray[np.float64]

# Measured cost of one counted unit against one binomial: collapsing pays below this share of distinct units.
COLLAPSE_SHARE = 0.02
# From this many columns on, one product of matrices beats a pass per column.
COUNT_COLUMNS = 4


def resample_sums(units: Table, *, n_resamples: int, seed: int, threads: int | None = None) -> Table:
    """Sums `[resamples, columns]` of `units [units, columns]` drawn with replacement, as many as there are.

    Units that agree in every column are drawn together: their numbers are multinomial, which is the same
    distribution at a cost of the distinct units alone (three for paired 0/1 scores).

    Args:
        units: one row per unit (cluster sums, sizes, ...).
        n_resamples: resamples.
        seed: of the streams; the same sums for any number of threads.
        threads: worker threads; None takes the usable cores.
    """
    distinct, counts = distinct_rows(units)
    size = units.shape[0]
    if distinct.shape[0] <= max(COLLAPSE_SHARE * size, 1.0):
        share = counts / size
        return in_chunks(
            lambda rng, rows: np.asarray(rng.multinomial(size, share, size=rows) @ distinct),
            rows=n_resamples,
            width=distinct.shape[0],
            seed=seed,
            threads=threads,
        )
    if units.shape[1] < COUNT_COLUMNS:
        columns = [np.ascontiguousarray(column) for column in units.T]
        return in_chunks(
            lambda rng, rows: _weighted(columns, rng, rows),
            rows=n_resamples,
            width=size,
            seed=seed,
            threads=threads,
        )
    return in_chunks(
        lambda rng, rows: _counts(size, rng, rows),
        rows=n_resamples,
        width=size,
        seed=seed,
        threads=threads,
        finish=lambda counts: np.asarray(counts @ units),
    )


def distinct_rows(units: Table) -> tuple[Table, NDArray[np.int64]]:
    """The distinct rows of a table and how often each occurs.

    Rows are ordered by one mixture of their columns; where two different rows share a mixture the table is
    given back as it is, each row once, which is right too.
    """
    weights = mixing_weights(units.shape[1])
    mixture = units[:, 0] * weights[0]
    for position in range(1, units.shape[1]):
        mixture += units[:, position] * weights[position]
    values, first, inverse, counts = np.unique(
        mixture, return_index=True, return_inverse=True, return_counts=True
    )
    if units.shape[1] == 1:
        return values[:, None], counts
    rows = units[first]
    if values.size > COLLAPSE_SHARE * units.shape[0] or not np.array_equal(rows[inverse], units):
        return units, np.ones(units.shape[0], dtype=np.int64)
    return rows, counts


def mixing_weights(columns: int) -> Table:
    """Fixed arbitrary weights, the first 1, under which different rows of scores hardly ever add up alike."""
    weights = np.random.Generator(np.random.PCG64(0)).random(columns)
    weights[0] = 1.0
    return weights


def _weighted(columns: list[NDArray[np.float64]], rng: np.random.Generator, rows: int) -> Table:
    """Sums of drawn units, column by column."""
    size = columns[0].size
    sums = np.empty((rows, len(columns)))
    step = max(1, min(rows, CACHED // (2 * size)))
    times = np.empty((step, size))
    for block, counts in count_blocks(rng, rows=rows, size=size):
        for start in range(0, len(counts), step):
            part = counts[start : start + step]
            times[: len(part)] = part
            for at, column in enumerate(columns):
                into = sums[block.start + start : block.start + start + len(part), at]
                np.vecdot(times[: len(part)], column, out=into)
    return sums


def _counts(size: int, rng: np.random.Generator, rows: int) -> Table:
    """How often each unit is drawn in each row."""
    counts = np.empty((rows, size))
    for block, drawn in count_blocks(rng, rows=rows, size=size):
        counts[block] = drawn
    return counts


def resample_counts(size: int, *, n_resamples: int, seed: int) -> Table:
    """How often each of `size` units is drawn in each resample: `[resamples, size]`."""
    share = np.full(size, 1.0 / size)
    return in_chunks(
        lambda rng, rows: rng.multinomial(size, share, size=rows).astype(np.float64),
        rows=n_resamples,
        width=size,
        seed=seed,
        threads=1,
    )
