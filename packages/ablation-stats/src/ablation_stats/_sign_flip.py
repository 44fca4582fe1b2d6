"""Sign-flip permutation of paired differences: exact where it can be, one random bit per unit where not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._binomial import Interval
from ablation_stats._streams import in_chunks, random_words, rows_per_block
from ablation_stats._student import SMALLEST_P

EXACT_UNITS = 20
BITS = 8
LARGEST_COLLAPSE = 64

Vector = NDArray[np.float64]


class SignFlip(NamedTuple):
    """Two-sided p, the interval of shifts that the same flips do not reject, and the number of flips drawn.

    `n_resamples` is None where all flips were enumerated; p is exact, too, where few units differ from 0 or all
    that do are of one size, as with paired 0/1 scores.
    """

    p: float
    interval: Interval
    n_resamples: int | None


def sign_flip(
    sums: Vector, sizes: Vector, *, level: float, n_resamples: int, seed: int, threads: int | None = None
) -> SignFlip:
    """Sign-flip test that the mean of all items is 0, and the interval from inverting it.

    A flip turns the sign of a whole unit. A shift theta is rejected unless enough flips give a mean at least as
    far from theta as the sample's; each flip allows one interval of shifts, so the ends are order statistics.

    Args:
        sums: sum of the differences in each unit.
        sizes: items in each unit.
        level: coverage of the interval.
        n_resamples: flips drawn where not all can be enumerated.
        seed: of the flips.
        threads: worker threads; None takes the usable cores.
    """
    total, items = float(sums.sum()), float(sizes.sum())
    exact = sums.size <= EXACT_UNITS
    if exact:
        flipped = np.stack([all_flips(sums), all_flips(sizes)], axis=1)
    else:
        flipped = flip_sums(
            np.stack([sums, sizes], axis=1), n_resamples=n_resamples, seed=seed, threads=threads
        )
    tolerance = 64 * float(np.finfo(np.float64).eps) * float(np.abs(sums).sum())
    p = _exact_p(sums, tolerance)
    if p is None:
        p = (1 + np.count_nonzero(np.abs(flipped[:, 0]) >= abs(total) - tolerance)) / (1 + n_resamples)
    interval = _invert(flipped, total, items, level=level, drawn=not exact)
    return SignFlip(p, interval, None if exact else n_resamples)


def flip_sums(units: Vector, *, n_resamples: int, seed: int, threads: int | None = None) -> Vector:
    """Sums `[flips, columns]` of `units [units, columns]`, each unit times a random sign shared by all columns.

    Eight units share one random byte: its 256 possible sums are tabulated once, so a flip costs one look-up for
    eight units; where a column has one value throughout, its signs are counted. Units of few kinds, up to their
    sign, are drawn as binomials instead.

    Args:
        units: one row per unit.
        n_resamples: flips.
        seed: of the streams; the same sums for any number of threads.
        threads: worker threads; None takes the usable cores.
    """
    sign = np.where(units[:, 0] < 0, -1.0, 1.0)
    aligned = units * sign[:, None]
    distinct, counts = np.unique(aligned, axis=0, return_counts=True)
    if distinct.shape[0] <= LARGEST_COLLAPSE and distinct.shape[0] * BITS < units.shape[0]:
        return in_chunks(
            lambda rng, rows: (2.0 * rng.binomial(counts, 0.5, size=(rows, counts.size)) - counts) @ distinct,
            rows=n_resamples,
            width=counts.size,
            seed=seed,
            threads=threads,
        )
    tables = [None if (column == column[0]).all() else _byte_table(column) for column in units.T]
    return in_chunks(
        lambda rng, rows: _flip(units, tables, rng, rows),
        rows=n_resamples,
        width=-(-units.shape[0] // BITS),
        seed=seed,
        threads=threads,
    )


def _flip(units: Vector, tables: list[Vector | None], rng: np.random.Generator, rows: int) -> Vector:
    """Sums of one chunk of flips, in blocks that stay in cache; a column without a table is `units[0]` throughout."""
    size = units.shape[0]
    groups = -(-size // BITS)
    offsets = np.arange(groups, dtype=np.int64) << BITS
    sums = np.empty((rows, units.shape[1]))
    step = min(rows, rows_per_block(groups))
    places, found = np.empty((step, groups), dtype=np.int64), np.empty((step, groups))
    for start in range(0, rows, step):
        block = slice(0, min(step, rows - start))
        words, signs = _random_signs(rng, block.stop, size)
        places[block] = signs
        places[block] += offsets
        for at, table in enumerate(tables):
            into = sums[start : start + step, at]
            if table is None:
                into[:] = units[0, at] * (2.0 * np.bitwise_count(words).sum(axis=1) - size)
            else:
                np.take(table, places[block], out=found[block], mode="clip")
                np.add.reduce(found[block], axis=1, out=into)
    return sums


def _random_signs(
    rng: np.random.Generator, rows: int, size: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """`size` random bits per row: as words, the rest of the last one 0, and as bytes `[rows, groups of eight]`."""
    groups = -(-size // BITS)
    words = -(-groups // 8)
    drawn = random_words(rng, rows * words).reshape(rows, words)
    signs = drawn.view(np.uint8)
    signs[:, groups:] = 0
    signs[:, groups - 1] &= (1 << (size - BITS * (groups - 1))) - 1
    return drawn, signs[:, :groups]


def _exact_p(sums: Vector, tolerance: float) -> float | None:
    """The two-sided p over all flips: counted for few units that are not 0, binomial for units of one size."""
    from scipy.special import bdtr

    sizes = np.abs(sums[sums != 0.0])
    if sizes.size == 0:
        return 1.0
    if sizes.size <= EXACT_UNITS:
        return float(np.mean(np.abs(all_flips(sizes)) >= abs(float(sums.sum())) - tolerance))
    if float(np.ptp(sizes)) > tolerance / sizes.size:
        return None
    fewer = min(np.count_nonzero(sums > 0), np.count_nonzero(sums < 0))
    return min(1.0, max(2.0 * float(bdtr(fewer, sizes.size, 0.5)), SMALLEST_P))


def _byte_table(column: Vector) -> Vector:
    """The signed sums of every eight units under each of the 256 bytes, flat; a set bit is a plus."""
    padded = np.zeros(-(-column.size // BITS) * BITS)
    padded[: column.size] = column
    bits = (np.arange(1 << BITS)[:, None] >> np.arange(BITS)) & 1
    return np.ascontiguousarray((padded.reshape(-1, BITS) @ (2.0 * bits - 1.0).T).ravel())


def all_flips(values: Vector) -> Vector:
    """Sums under all 2^n patterns of signs, in a fixed order."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _invert(flipped: Vector, total: float, items: float, *, level: float, drawn: bool) -> Interval:
    """Shifts not rejected: each flip allows those between (t - a) / (1 - e) and (t + a) / (1 + e).

    With a and e the flipped sums of differences and sizes, |t - theta| <= |a - theta e| holds between these two
    roots, whatever their order; a flip of nothing or of everything allows all shifts.
    """
    a, e = flipped[:, 0] / items, flipped[:, 1] / items
    mean = total / items
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([(mean - a) / (1 - e), (mean + a) / (1 + e)])
    whole = np.abs(np.abs(e) - 1) < 1e-12
    low = np.where(whole, -np.inf, np.min(roots, axis=0))
    high = np.where(whole, np.inf, np.max(roots, axis=0))
    size = flipped.shape[0] + drawn
    rank = int(np.floor((1 - level) * size + 1e-9)) - drawn
    if rank < 0:
        return Interval(-np.inf, np.inf)
    return Interval(float(np.sort(low)[rank]), float(-np.sort(-high)[rank]))
