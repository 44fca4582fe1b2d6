"""Asks the one pool of ranks that all tests share; see rank_losses.py."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

SCRIPT = Path(__file__).with_name("rank_losses.py")


class Trained(NamedTuple):
    """Losses and gradient norms [steps], rates after each step, and a digest of weights and optimizer state at the end."""

    losses: np.ndarray
    norms: np.ndarray
    rates: list[list[float]]
    digest: str


def case(
    connector: str = "mlp",
    *,
    method: str = "average-pool",
    encoder: str = "frozen",
    objectives: str = "answers",
    ranks: int = 1,
    steps: int = 10,
    spans: list[tuple[int, int]] | None = None,
    training: dict[str, Any] | None = None,
    **engine: Any,
) -> dict[str, Any]:
    """What to train: `spans` of (ranks, last step), each resumed from the one before; else one of `ranks` and
    `steps`; `training` and `engine` are more of their fields."""
    return {
        "connector": connector,
        "method": method,
        "encoder": encoder,
        "objectives": objectives,
        "training": training or {},
        "spans": spans or [(ranks, steps)],
        "engine": engine,
    }


class Ranks:
    """The pool; without a compiler it has an empty extension cache too."""

    def __init__(self, pool: subprocess.Popen[str], extensions: Path | None, errors: IO[str]) -> None:
        self._pool, self._extensions, self._errors = pool, extensions, errors

    def train(self, *cases: dict[str, Any]) -> list[Trained]:
        return [self._one(each) for each in cases]

    def _one(self, asked: dict[str, Any]) -> Trained:
        assert self._pool.stdin
        assert self._pool.stdout
        self._pool.stdin.write(f"{json.dumps(asked)}\n")
        self._pool.stdin.flush()
        for line in self._pool.stdout:
            if line.startswith("answer "):
                found = json.loads(line.removeprefix("answer "))
                assert self._extensions is None or not self._extensions.exists(), "an operator was compiled"
                return Trained(
                    np.array(found["losses"]), np.array(found["norms"]), found["rates"], found["digest"]
                )
        self._errors.seek(0)
        raise AssertionError(self._errors.read()[-4000:])


@contextmanager
def started(folder: Path, *, compiler: bool = False) -> Iterator[Ranks]:
    """A pool that ends with the block."""
    extensions = None if compiler else folder / "extensions"
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled")}
    if extensions:
        environment |= {"TORCH_EXTENSIONS_DIR": str(extensions), "PATH": str(folder)}
    command = [sys.executable, str(SCRIPT)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        (folder / "errors.txt").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(command, text=True, env=environment, stderr=errors, **pipes) as pool,
    ):
        yield Ranks(pool, extensions, errors)
        assert pool.stdin
        pool.stdin.close()
