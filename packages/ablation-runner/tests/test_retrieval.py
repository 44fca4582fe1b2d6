"""Statements found by images: which count as right, and what an arm's similarities are scored against."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ablation_runner.trial.testing import retrieval
from ablation_runner.trial.testing.retrieval import retrieval_rows, statements_of
from vlm_fusion import Question

RED, BLUE, ROUND = Question([1, 2], [3]), Question([1, 2], [4]), Question([5], [3])
# Two images: of the first two statements are true (one is said twice), of the second one of them and another.
SPLIT: Any = SimpleNamespace(
    images=["a", "b"], image_of=[0, 1, 0, 0, 1], questions=[RED, BLUE, ROUND, Question([1, 2], [3]), ROUND]
)


def test_equal_statements_are_one_and_each_is_right_for_all_images_it_is_said_of() -> None:
    statements, right = statements_of(SPLIT)
    assert [(each.prompt, each.answer) for each in statements] == [
        ([1, 2], [3]), ([1, 2], [4]), ([5], [3]),
    ]  # fmt: skip
    assert right.tolist() == [[True, False, True], [False, True, True]]


def test_an_image_is_found_by_any_of_its_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    near = np.array(
        [[0.1, 0.2, 0.9], [0.8, 0.3, 0.1]]
    )  # the first finds a statement of its own, the second does not
    monkeypatch.setattr(retrieval, "_similarities", lambda *given: near)
    feed: Any = SimpleNamespace(material=SimpleNamespace(splits={"test": SPLIT}))
    trial: Any = SimpleNamespace(arm="itc", seed=3)
    rows = retrieval_rows(torch.nn.Identity(), feed, [0, 1], trial)
    assert rows["metric"].unique().to_list() == ["recall_at_1"], "five of three statements say nothing"
    assert rows.select("item", "value", "arm", "seed").rows() == [("a", 1.0, "itc", 3), ("b", 0.0, "itc", 3)]
