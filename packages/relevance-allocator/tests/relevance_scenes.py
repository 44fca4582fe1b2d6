"""Small inputs for the tests: photographs, tokens, cluttered scenes with one asked-for shape, and allocators to try."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from relevance_allocator import (
    PatchTexture,
    Query,
    RelevanceAllocator,
    Scene,
    create_allocator,
    fit_price,
    patch_texture,
    query_tokens,
)
from token_budget import VisualTokens, grid_positions, visual_tokens

GRID = (8, 12)
PHOTOGRAPHS = sorted((Path(__file__).parent / "data").glob("*.jpg"))

COLOURS = {
    "red": (0.85, 0.15, 0.15),
    "green": (0.15, 0.65, 0.2),
    "blue": (0.2, 0.3, 0.85),
    "yellow": (0.9, 0.85, 0.2),
    "purple": (0.6, 0.2, 0.7),
    "orange": (0.95, 0.55, 0.15),
}
SHAPES = ("circle", "square", "triangle")
WORDS = ("where", "is", "the", *COLOURS, *SHAPES)


def photograph(path: Path) -> Tensor:
    pixels = np.array(Image.open(path).convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def grid_tokens(features: Tensor, grid: tuple[int, int], **extras: Tensor) -> VisualTokens:
    batch = len(features)
    return visual_tokens(
        features,
        grids=torch.tensor([grid] * batch),
        positions=grid_positions(*grid).expand(batch, -1, -1),
        extras=extras,
    )


class Scenes(NamedTuple):
    pixels: Tensor
    questions: list[tuple[str, str]]
    regions: list[list[tuple[float, float, float, float]]]


def _shape(name: str, side: int) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    if name == "square":
        return np.ones((side, side), dtype=bool)
    if name == "circle":
        return (y - side / 2) ** 2 + (x - side / 2) ** 2 <= (side / 2) ** 2
    return np.abs(x - side / 2) <= y / 2


def scenes(count: int, *, seed: int, size: int = 96, shapes: int = 8, side: int = 16) -> Scenes:
    """Images of textured ground with several shapes; the question names the colour and shape of one of them."""
    random = np.random.default_rng(seed)
    kinds = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    images, questions, regions = [], [], []
    slots = size // (side + 8)
    for _ in range(count):
        ground = random.uniform(0.3, 0.7, 3)
        image = ground + random.normal(0, 0.04, (size, size, 3))
        image += (
            0.15 * np.sin(np.arange(size) * random.uniform(0.2, 0.9))[:, None, None]
        )  # clutter: a wavy ground
        chosen = random.permutation(len(kinds))[:shapes]
        places = random.permutation(slots * slots)[:shapes]
        for kind, place in zip(chosen, places, strict=True):
            top, left = (
                int(slot) * (side + 8) + int(random.integers(0, 8)) for slot in divmod(int(place), slots)
            )
            mask = _shape(kinds[kind][1], side)
            image[top : top + side, left : left + side][mask] = COLOURS[kinds[kind][0]]
            box = (left / size, top / size, (left + side) / size, (top + side) / size)
            if kind == chosen[0]:
                questions.append(kinds[kind])
                regions.append([box])
        images.append(image.clip(0, 1).transpose(2, 0, 1))
    return Scenes(torch.from_numpy(np.stack(images)).float(), questions, regions)


def question_query(questions: list[tuple[str, str]]) -> Query:
    """`where is the COLOUR SHAPE` as one-hot word embeddings."""
    words = [["where", "is", "the", colour, shape] for colour, shape in questions]
    index = torch.tensor([[WORDS.index(word) for word in sentence] for sentence in words])
    return query_tokens(torch.nn.functional.one_hot(index, len(WORDS)).float())


def patch_features(pixels: Tensor, grid: tuple[int, int]) -> Tensor:
    """Raw patches as features: what a frozen encoder would give is richer."""
    height, width = pixels.shape[2] // grid[0], pixels.shape[3] // grid[1]
    return torch.nn.functional.unfold(pixels, (height, width), stride=(height, width)).transpose(1, 2)


def batch_of(
    images: int, generator: torch.Generator
) -> tuple[VisualTokens, Query, PatchTexture, list[list[tuple[float, float, float, float]]]]:
    """Tokens, questions, textures and regions of images of 8x12 patches."""
    features = torch.randn(images, 96, 10, generator=generator)
    tokens = grid_tokens(features, GRID, joint=features[..., :6], attention=features[..., 0].softmax(1))
    texture = patch_texture(torch.rand(images, 3, 64, 96, generator=generator), GRID)
    query = query_tokens(torch.randn(images, 5, 6, generator=generator))
    regions = [[(0.1, 0.1, 0.4, 0.3)]] * images
    return tokens, query, texture, regions


def made(name: str, generator: torch.Generator, **changes: object) -> RelevanceAllocator:
    """An allocator in evaluation mode, its price fitted on data of its own."""
    options = {"budget": 24, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        allocator = create_allocator(name, dim=10, query_dim=6, **options).eval()
    if allocator.options.amount == "priced":
        with torch.no_grad():
            tokens, query, texture, regions = batch_of(64, generator)
            values = allocator.values(Scene(tokens, texture, query, regions, generator))
            allocator.set_price(fit_price(values, 24, lowest=12, highest=48))
    return allocator
