"""A linear probe reads the colour in an image off what randomly initialised models of each stage answer from.

One rule for every stage: of held-out images, the probe is right more often than the same probe of shuffled images.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from easy_vqa_images import COLORS
from fusion_helpers import tokenizer
from scipy.stats import binomtest

from token_budget import VisualTokens
from vlm_fusion import VisionLanguageConfig, VisionLanguageModel, create_language_model, patch_tokens

pytest.importorskip("easy_vqa")
STAGES = {"early": "patch-embedding", "late": "two-tower", "mid": "q-former"}
TRAIN = 480
ALPHA = 0.001  # of each stage's test; set before any of them was run by this rule


class Painted(NamedTuple):
    tokens: VisualTokens
    color: torch.Tensor


@cache
def painted() -> Painted:
    """The first images of easy-VQA's test split as patches of 8 x 8 pixels, and the colour painted in each."""
    import easy_vqa
    from PIL import Image

    stated = {
        image: COLORS.index(answer)
        for question, answer, image in zip(*easy_vqa.get_test_questions(), strict=True)
        if question.startswith("what color")
    }
    paths = easy_vqa.get_test_image_paths()
    chosen = sorted(stated)[:640]
    arrays = np.stack([np.asarray(Image.open(paths[image]).convert("RGB")) for image in chosen])
    pixels = torch.from_numpy(arrays).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Painted(patch_tokens(pixels, patch=8), torch.tensor([stated[image] for image in chosen]))


def random_model(stage: str) -> VisionLanguageModel:
    torch.manual_seed(0)
    language_model = create_language_model("llama-tiny", tokenizer=tokenizer())
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=192,
        connector=STAGES[stage],
        prefix_attention="bidirectional",
    )
    return VisionLanguageModel(config, language_model=language_model)


def answering_states(stage: str, tokens: VisualTokens, image_index: torch.Tensor) -> torch.Tensor:
    """The state of the last word of one and the same question, from which the answer's first word is predicted."""
    model, question = random_model(stage), tokenizer()("what shape is it?", return_tensors="pt")["input_ids"]
    words = question.expand(len(image_index), -1)
    with torch.no_grad():
        seen = model.see(tokens, batch=len(words), image_index=image_index)
        return model.decode(seen, words, model.layout(seen, torch.ones_like(words)))[:, -1]


def probe_right(states: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
    """Whether a ridge regression onto the colours is right, for each held-out image."""
    states = (states - states[:TRAIN].mean(0)) / (states[:TRAIN].std(0) + 1e-6)
    inputs = torch.nn.functional.pad(states, (0, 1), value=1.0).double()
    targets = torch.nn.functional.one_hot(color, len(COLORS)).double()
    train = inputs[:TRAIN]
    weights = torch.linalg.solve(
        train.T @ train + 10 * torch.eye(train.shape[1], dtype=torch.double), train.T @ targets[:TRAIN]
    )
    return (inputs[TRAIN:] @ weights).argmax(1) == color[TRAIN:]


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_the_colour_reaches_the_answer_of_a_random_model(stage: str) -> None:
    tokens, color = painted()
    own = torch.arange(len(color))
    shuffled = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(0))]
    seeing = probe_right(answering_states(stage, tokens, own), color)
    blind = probe_right(answering_states(stage, tokens, shuffled), color)
    # McNemar's exact test: were both blind, each would be the right one of a pair that disagrees half of the time.
    gained, lost = int((seeing & ~blind).sum()), int((blind & ~seeing).sum())
    found = binomtest(gained, gained + lost, alternative="greater")
    # The control is blind: no better than naming the most frequent colour.
    most = color[TRAIN:].bincount().max().item() / len(blind)
    control = binomtest(int(blind.sum()), len(blind), most, alternative="greater")
    assert found.pvalue < ALPHA
    assert control.pvalue > ALPHA


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_shuffling_the_images_changes_the_logits_of_a_random_model(stage: str) -> None:
    tokens = painted().tokens
    tokens = tokens._replace(**{n: v[:8] for n, v in tokens._asdict().items() if torch.is_tensor(v)})
    model, words = random_model(stage), torch.full((8, 3), 7)
    change = model(tokens, words).logits - model(tokens, words, image_index=torch.arange(8).roll(1)).logits
    assert (change[:, -1].abs().amax(1) > 1e-3).all()
