"""Random streams for chunks of resamples: the numbers depend on the seed alone, never on the threads."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

MOST_THREADS = 4
# Numbers drawn per chunk, rows per chunk, and numbers that are worked on at once: a block fits the second-level
# cache, a chunk is long enough for its stream and its buffers to cost nothing.
CHUNK = 1 << 21
MOST_ROWS = 1024
BLOCK = 1 << 17
# Chunks per thread between two calls of `finish`; they wait in memory.
WAVE = 4
# Numbers drawn in all from which on threads earn the time it takes to start them.
SMALL = 1 << 17
# Up to this many units 16 random bits choose one, above 32 do.
SHORT = 1 << 13

Chunk = Callable[[np.random.Generator, int], NDArray[np.float64]]
Finish = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def draw_seed(rng: np.random.Generator | int | None) -> int:
    """The seed of all streams: `rng` itself where it is a seed, else drawn from it.

    Raises:
        ValueError: no generator was given, or a seed below 0.
    """
    if rng is None:
        raise ValueError("resampling needs rng=, a numpy.random.Generator or a whole number as its seed")
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**62))
    if not isinstance(rng, (int, np.integer)) or rng < 0:
        raise ValueError(f"rng as a seed must be a whole number of at least 0, got {rng!r}")
    return int(rng)


def usable_threads(threads: int | None) -> int:
    """`threads`, or the cores this process may use, four at most.

    Raises:
        ValueError: fewer than one thread.
    """
    if threads is None:
        return min(MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    return threads


def rows_per_block(width: int) -> int:
    """Rows of `width` numbers that stay in the cache together."""
    return max(1, BLOCK // max(width, 1))


def in_chunks(
    draw: Chunk,
    *,
    rows: int,
    width: int,
    seed: int,
    threads: int | None,
    finish: Finish = lambda drawn: drawn,
) -> NDArray[np.float64]:
    """`rows` rows drawn chunk by chunk, each chunk from a stream of its own, joined in order.

    Args:
        draw: gives the rows of one chunk from a generator and their number.
        rows: rows in all.
        width: numbers drawn per row; sets the size of a chunk.
        seed: of all streams.
        threads: worker threads; None takes the usable cores.
        finish: applied to each chunk in the calling thread while no worker runs, which is where BLAS is at its best.
    """
    step = max(1, min(MOST_ROWS, CHUNK // max(width, 1)))
    sizes = [min(step, rows - start) for start in range(0, rows, step)]
    streams = np.random.SeedSequence(seed).spawn(len(sizes))

    def one(stream: np.random.SeedSequence, size: int) -> NDArray[np.float64]:
        return draw(np.random.Generator(np.random.PCG64DXSM(stream)), size)

    workers = min(usable_threads(threads), len(sizes), 1 + rows * width // SMALL)
    if workers == 1:
        return np.concatenate([finish(one(*each)) for each in zip(streams, sizes, strict=True)])
    done: list[NDArray[np.float64]] = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(sizes), WAVE * workers):
            wave = slice(start, start + WAVE * workers)
            done += [finish(drawn) for drawn in list(pool.map(one, streams[wave], sizes[wave]))]
    return np.concatenate(done)


def random_words(rng: np.random.Generator, count: int) -> NDArray[np.uint64]:
    """`count` words of 64 random bits; unlike `random_raw` this lets other threads run."""
    return rng.integers(0, 2**64, count, dtype=np.uint64)


def index_blocks(
    rng: np.random.Generator, *, rows: int, size: int
) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Blocks of rows of `size` uniform draws from 0..size - 1: which rows, and their draws `[block, size]`.

    The array is the same each time and is overwritten by the next block.
    """
    step = min(rows, rows_per_block(size))
    drawn = np.empty((step, size), dtype=np.int64)
    for start in range(0, rows, step):
        block = drawn[: min(step, rows - start)]
        fill_uniform(rng, size, block.reshape(-1))
        yield slice(start, start + len(block)), block


def fill_uniform(rng: np.random.Generator, size: int, out: NDArray[np.int64]) -> None:
    """Fill `out` with independent uniform draws from 0..size - 1.

    A random word is divided by the whole number of words per unit; the few words beyond the last whole unit are
    replaced by fresh draws, so that every unit is exactly as likely. About twice as fast as `rng.integers`.
    """
    word: type[np.unsignedinteger] = np.uint16 if size <= SHORT else np.uint32
    bits = np.dtype(word).itemsize * 8
    if size < 2:
        out[:] = 0
        return
    raw = random_words(rng, -(-out.size * bits // 64)).view(word)[: out.size]
    unit = np.floor_divide(raw, word(2**bits // size), out=raw)
    out[:] = unit
    beyond = np.flatnonzero(unit >= size)
    out[beyond] = rng.integers(0, size, beyond.size)
