"""What is scored beside the judged metric: by what an arm has learned, with the images that it is tested with."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch

from ablation_runner.trial.testing import besides

MATERIAL: Any = SimpleNamespace(splits={"test": SimpleNamespace(images=["a", "b", "c"])})


def trial(weights: dict[str, float], images: str = "paired") -> Any:
    configuration = SimpleNamespace(
        data=SimpleNamespace(images=images), tokens=None, training=None, pair_objectives=weights
    )
    return SimpleNamespace(arm="itc", seed=3, random_seed=3, configuration=configuration)


@pytest.fixture(autouse=True)
def plain_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(besides, "learner_of", lambda model, training: model)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"matching": 1.0}, None),
        ({"contrastive": 1.0, "masked-language-modelling": 0.0}, ["retrieval"]),
        ({"masked-language-modelling": 0.5}, ["captions"]),
        ({"masked-language-modelling": 1.0, "contrastive": 1.0}, ["retrieval", "captions"]),
    ],
)
def test_an_arm_is_scored_by_what_it_has_learned(
    weights: dict[str, float], expected: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = {
        "contrastive": pl.DataFrame({"metric": ["retrieval"], "value": [0.5]}),
        "masked-language-modelling": pl.DataFrame({"value": [0.1], "metric": ["captions"]}),
    }
    monkeypatch.setattr(
        besides, "_ROWS", {name: lambda *given, frame=frame: frame for name, frame in frames.items()}
    )
    rows = besides.besides_rows(torch.nn.Identity(), trial(weights), MATERIAL)  # type: ignore[arg-type]
    assert (None if rows is None else rows["metric"].to_list()) == expected


def test_a_blind_arm_is_tested_with_other_images(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_to: list[list[int]] = []

    def rows(learner: Any, feed: Any, shown: list[int], trial: Any) -> pl.DataFrame:
        shown_to.append(shown)
        return pl.DataFrame()

    monkeypatch.setattr(besides, "_ROWS", {"contrastive": rows})
    for images in ("paired", "shuffled"):
        besides.besides_rows(torch.nn.Identity(), trial({"contrastive": 1.0}, images), MATERIAL)  # type: ignore[arg-type]
    assert shown_to[0] == [0, 1, 2]
    assert all(other != own for own, other in enumerate(shown_to[1]))
