"""What is written about images: candidate lengths, what it is compared with, and how it is scored."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch

from ablation_runner.trial.testing import captions
from ablation_runner.trial.testing.captions import (
    caption_rows,
    common_lengths,
    said_of_images,
    written_captions,
)
from vlm_fusion import MaskPredicted, Question, build_tokenizer

WORDS = build_tokenizer(["what shape is it?", "what color is the box?", "star", "red", "blue"])
SHAPE, COLOR = "What shape is it?", "What color is the box?"
# Three images: two statements about the first (one is said twice), one about each of the others.
SPLIT: Any = SimpleNamespace(
    images=["a", "b", "c"],
    questions_of=[[0, 2, 3], [1], [4]],
    items=pl.DataFrame(
        {
            "question": [SHAPE, COLOR, COLOR, SHAPE, COLOR],
            "answers": [["star", "a star"], ["red"], ["blue"], ["star"], ["blue"]],
        }
    ),
)


def test_an_image_is_compared_with_each_statement_once() -> None:
    assert said_of_images(SPLIT, prompt="question-only") == [
        ["What shape is it? star", "What color is the box? blue"],
        ["What color is the box? red"],
        ["What color is the box? blue"],
    ]


def test_the_five_commonest_lengths_of_the_training_split_are_tried() -> None:
    lengths = [9, 3, 3, 7, 7, 7, 5, 5, 4, 6, 8]
    split: Any = SimpleNamespace(questions=[Question([1] * (n - 2), [5, 6, 2]) for n in lengths])
    assert common_lengths(split) == [7, 3, 5, 4, 6]


def test_what_is_written_is_scored_against_all_that_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["what color is the box? blue", "star", "what color is the box? blue"]
    monkeypatch.setattr(captions, "written_captions", lambda learner, feed, shown: texts)
    feed: Any = SimpleNamespace(material=SimpleNamespace(splits={"test": SPLIT}))
    data = SimpleNamespace(prompt="question-only")
    trial: Any = SimpleNamespace(arm="mlm", seed=3, configuration=SimpleNamespace(data=data))
    rows = caption_rows(torch.nn.Identity(), feed, [0, 1, 2], trial)
    found = rows.pivot(on="metric", index=("item", "arm", "seed"), values="value")
    assert found["caption_rouge_l"].to_list() == [1.0, 0.0, 1.0]
    assert rows["prediction"].to_list() == texts * 2, "so that a person can read what an arm writes"
    first, second, third = found["caption_cider"]
    assert second == 0 < first < third
    assert third == pytest.approx(10), "word for word the only statement"
    assert rows.select("item", "cluster", "arm", "seed", "weight", "valid").unique(
        maintain_order=True
    ).rows() == [(image, image, "mlm", 3, 1.0, True) for image in "abc"]


def test_every_image_is_written_about_once_over_all_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    total = torch.zeros(130, 3, dtype=torch.long)

    def write(learner: Any, images: list[int], *, tokenizer: Any, lengths: list[int]) -> MaskPredicted:
        ids = torch.tensor([[5 + image % 4, 5 + image // 64, tokenizer.pad_token_id] for image in images])
        return MaskPredicted(ids, torch.zeros(len(ids)))

    monkeypatch.setattr(captions, "mask_predict", write)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    train: Any = SimpleNamespace(questions=[Question([1], [5, 6, 2])])
    material = SimpleNamespace(tokenizer=WORDS, splits={"train": train})
    feed: Any = SimpleNamespace(material=material, images=lambda split, batch, *, model, draw: batch)
    shown = list(range(129, -1, -1))
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.copy_(total.add_(tensor)))
        texts = written_captions(torch.nn.Linear(1, 1), feed, shown)
    expected = [WORDS.decode([5 + image % 4, 5 + image // 64]).strip() for image in shown]
    assert texts == expected
