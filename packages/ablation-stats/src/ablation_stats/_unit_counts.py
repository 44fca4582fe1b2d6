"""How often a bootstrap resample draws each unit: counted unit by unit, not drawn one by one.

Independent Poisson counts are multinomial given their total. So a resample of n units is one Poisson count per unit, of a
mean a little below 1, and as many single draws as the total falls short of n; where it exceeds n, which is rare, all n are
drawn singly. Nothing is approximated: whatever the total, the counts are multinomial given it. Passes over bytes, in the
order of memory, replace n look-ups in random places.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._streams import fill_uniform, random_words

# Counts worked on at once, about a second-level cache: shorter passes would make threads wait for each other.
CACHED = 1 << 19
# Standard deviations by which the mean total of the Poisson counts stays below n.
BELOW = 3.0
BYTES = 256
# A count above has a probability below 1e-30. Eight counts of at most this size add up within a byte.
MOST = 30
LANES = 8


class PoissonBytes(NamedTuple):
    """A Poisson count as a mixture: from one random byte, or with a small probability from the rest.

    Attributes:
        steps: bytes from which on the count is at least 1, 2, ...
        odds: probability of the rest.
        rest: distribution function of the counts 0, 1, ... there.
    """

    steps: NDArray[np.uint8]
    odds: float
    rest: NDArray[np.float64]


def poisson_bytes(mean: float) -> PoissonBytes:
    """The table of a Poisson count of the given mean, 0..1; at most about one count in fifty comes from the rest.

    Each count gets as many whole bytes as its probability holds, and the bytes left over go where they claim least
    too much. The largest mixture of these bytes that nowhere exceeds the probabilities leaves the rest.
    """
    share = BYTES * np.cumprod(np.r_[np.exp(-mean), mean / np.arange(1, MOST + 1)])
    whole = np.floor(share)
    while whole.sum() < BYTES:
        whole[np.argmax(share / (whole + 1))] += 1
    used = whole > 0
    settled = float((share[used] / whole[used]).min())
    rest = np.cumsum(np.maximum(share - settled * whole, 0.0))
    return PoissonBytes(np.cumsum(whole[used])[:-1].astype(np.uint8), 1.0 - settled, rest / rest[-1])


def count_blocks(
    rng: np.random.Generator, *, rows: int, size: int
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Blocks of resamples of `size` units: which rows, and how often each unit is drawn, `[block, size]`.

    The array is the same each time and is overwritten by the next block. A unit drawn 256 times or more would
    not fit; its probability is below 1e-500.
    """
    poisson = poisson_bytes(max(1.0 - BELOW / size**0.5, 0.25))
    width = -(-size // LANES) * LANES
    step = min(rows, max(1, CACHED // width))
    counts = np.empty((step, width), dtype=np.uint8)
    for start in range(0, rows, step):
        block = counts[: min(step, rows - start)]
        _count(rng, poisson, block.reshape(-1))
        block[:, size:] = 0
        _complete(rng, block, size)
        yield slice(start, start + len(block)), block[:, :size]


def _count(rng: np.random.Generator, poisson: PoissonBytes, out: NDArray[np.uint8]) -> None:
    """Fill `out` with independent Poisson counts.

    Counts are overwritten from the rest where at least one of a Poisson number of uniform places falls, which is
    independent between units.
    """
    byte = random_words(rng, out.size // LANES).view(np.uint8)
    reached = np.empty(out.size, dtype=bool)
    np.greater_equal(byte, poisson.steps[0], out=out.view(bool))
    for step in poisson.steps[1:]:
        np.greater_equal(byte, step, out=reached)
        out += reached.view(np.uint8)
    place = np.empty(rng.poisson(-np.log1p(-poisson.odds) * out.size), dtype=np.int64)
    fill_uniform(rng, out.size, place)
    out[place] = np.searchsorted(poisson.rest, rng.random(place.size), side="right")


def _complete(rng: np.random.Generator, counts: NDArray[np.uint8], size: int) -> None:
    """Bring each row to a total of `size` by single draws; a row beyond it is drawn anew."""
    rows, width = counts.shape
    lanes = counts.reshape(rows, LANES, -1).sum(axis=1, dtype=np.uint8)
    lacking = size - lanes.sum(axis=1, dtype=np.int64)
    beyond = lacking < 0
    counts[beyond] = 0
    lacking[beyond] = size
    place = np.empty(int(lacking.sum()), dtype=np.int64)
    fill_uniform(rng, size, place)
    place += np.repeat(np.arange(0, counts.size, width), lacking)
    np.add.at(counts.reshape(-1), place, np.uint8(1))
