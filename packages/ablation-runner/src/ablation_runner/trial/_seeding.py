"""Random streams with a name each, so that arms which share a component share its initial weights."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch


def stream_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed of the stream called `names` under a study seed.

    >>> stream_seed(0, "connector") == stream_seed(0, "language_model")
    False
    """
    text = "\0".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator of the stream called `names`."""
    return np.random.default_rng(stream_seed(seed, *names))


@contextmanager
def seeded_draws(seed: int, *names: str | int) -> Iterator[None]:
    """Gives the block a global torch generator of the stream called `names`, then the old one back.

    Constructors of transformers, timm and peft, and dropout, draw from torch's global generator; this is the one
    place that touches it.
    """
    with torch.random.fork_rng(devices=[]):
        # As torch.manual_seed does it, without the accelerators that are not here: this is done in every step.
        drawn = stream_seed(seed, *names)
        torch.default_generator.manual_seed(drawn)
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(drawn)
        yield


def seeded_init(seed: int, component: str) -> AbstractContextManager[None]:
    """Gives the constructors in a `with` block the generator of the component's initial weights."""
    return seeded_draws(seed, "init", component)
