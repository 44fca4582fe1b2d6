"""Frames with known structure that the tests share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ablation_stats import PairedCube


@pytest.fixture(scope="session")
def reference() -> dict[str, dict[str, Any]]:
    cases = json.loads((Path(__file__).parent / "reference_values.json").read_text())["cases"]
    return {case["id"]: case for case in cases}


class ReferenceCase(dict[str, Any]):
    """A case of reference_values.json that compares what was found at its own tolerance."""

    def check(self, **found: Any) -> None:
        for name, value in found.items():
            np.testing.assert_allclose(
                value,
                self["expected"][name],
                rtol=self["rtol"],
                atol=self["atol"],
                err_msg=f"{self['id']}: {name}",
            )


@pytest.fixture
def reference_case(reference: dict[str, dict[str, Any]], request: pytest.FixtureRequest) -> ReferenceCase:
    """The case that the test's parameter names."""
    return ReferenceCase(reference[request.param])


def make_frame(values: dict[str, np.ndarray], clusters: list[str] | None = None) -> pl.DataFrame:
    """A long frame from `[seeds, items]` scores per arm, rows shuffled so that order cannot matter."""
    rows = []
    for arm, table in values.items():
        for seed, scores in enumerate(table):
            for item, value in enumerate(scores):
                row = {"arm": arm, "seed": seed, "item": f"item-{item:04d}", "value": float(value)}
                rows.append(row | ({"cluster": clusters[item]} if clusters else {}))
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=7)


@pytest.fixture(scope="session")
def frame_of() -> Callable[..., pl.DataFrame]:
    return make_frame


@pytest.fixture(scope="session")
def study() -> pl.DataFrame:
    """Five arms, four seeds, 120 questions on 30 images of unequal size, 0/1 scores with image and seed effects."""
    rng = np.random.default_rng(3)
    image = np.sort(rng.integers(0, 30, 120))
    difficulty = rng.normal(0, 0.1, 30)[image]
    arms = {"linear": 0.8, "mlp": 0.82, "qformer": 0.62, "twin": 0.8, "blind": 0.35}
    values = {
        arm: (rng.random((4, 120)) < share + difficulty + rng.normal(0, 0.01, (4, 1))).astype(float)
        for arm, share in arms.items()
    }
    return make_frame(values, [f"image-{each}" for each in image])


@pytest.fixture(scope="session")
def task_frame_of() -> Callable[[dict[str, np.ndarray]], pl.DataFrame]:
    """Makes a frame of task scores, one row each, from `[seeds, tasks]` per arm; rows shuffled."""

    def make(values: dict[str, np.ndarray]) -> pl.DataFrame:
        rows = [
            {"arm": arm, "seed": seed, "task": f"task-{task:03d}", "value": float(value)}
            for arm, table in values.items()
            for (seed, task), value in np.ndenumerate(table)
        ]
        return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=7)

    return make


@pytest.fixture(scope="session")
def cube_of() -> Callable[..., PairedCube]:
    """Makes a cube of `[seeds, items]` scores per arm without the way through a frame."""

    def make(values: dict[str, np.ndarray], cluster: np.ndarray | None = None) -> PairedCube:
        seeds, items = next(iter(values.values())).shape
        codes = np.arange(items) if cluster is None else cluster
        return PairedCube(
            arms=tuple(values),
            seeds=tuple(range(seeds)),
            items=pl.Series("item", range(items)),
            clusters=pl.Series("cluster", range(int(codes.max()) + 1)),
            cluster_of_item=codes,
            values=np.stack(list(values.values())),
            weights=None,
            invalid=None,
            metric=None,
            task=None,
            condition=None,
            factors=None,
            left_out=(),
        )

    return make


@pytest.fixture(scope="session")
def band() -> Callable[..., float]:
    """Gives four standard errors of a rate observed over `runs` runs: by chance missed once in 16,000 tests."""

    def four_errors(rate: float, runs: int = 2000) -> float:
        return 4 * (rate * (1 - rate) / runs) ** 0.5

    return four_errors
