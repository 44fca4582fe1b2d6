"""Small models and batches that the tests share."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing
from transformers import PreTrainedTokenizerFast

from token_budget import VisualTokens, grid_positions, visual_tokens
from vlm_fusion import (
    ImageTextModel,
    ObjectiveOptions,
    Question,
    TextRows,
    VisionLanguageConfig,
    VisionLanguageModel,
    build_tokenizer,
    create_connector,
    create_language_model,
    encode_question,
    pack_questions,
    patch_tokens,
)

WIDTH = 12


@dataclass(frozen=True, kw_only=True)
class DoubledOptions:
    factor: float = 2.0


class Doubled(torch.nn.Linear):
    """A user's own connector."""

    options_type = DoubledOptions

    def __init__(self, options: DoubledOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__(vision_width, language_width)
        self.factor = options.factor

    def forward(self, tokens: VisualTokens) -> VisualTokens:
        return tokens._replace(features=super().forward(tokens.features) * self.factor)


class Patches(torch.nn.Module):
    """An encoder of one linear layer over patches of 4 x 4 pixels."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embed = torch.nn.Linear(48, WIDTH)

    def forward(self, pixels: torch.Tensor) -> VisualTokens:
        tokens = patch_tokens(pixels, patch=4)
        return tokens._replace(features=self.embed(tokens.features))


TEXTS = [
    "what shape is it?",
    "is it a red circle?",
    "is there a blue box here",
    "yes",
    "no",
    "circle",
    "blue box",
]
SMALL: dict[str, dict[str, Any]] = {
    "elastic-queries": {"queries": 5},
    "perceiver-resampler": {"queries": 4, "depth": 2},
    "q-former": {"queries": 4, "depth": 2, "cross_attention_every": 2},
}


def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer(TEXTS)


def make_model(
    connector: str = "concatenation",
    *,
    seed: int = 0,
    language: str = "llama-tiny",
    open_gates: bool = True,
    connector_options: dict[str, Any] | None = None,
    prefix_attention: str = "causal",
    **decoder: Any,
) -> VisionLanguageModel:
    torch.manual_seed(seed)
    sizes = {"width": 16, "depth": 2, "heads": 2, **decoder}
    language_model = create_language_model(language, tokenizer=tokenizer(), **sizes)
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=WIDTH,
        connector=connector,
        connector_options=SMALL.get(connector, {}) if connector_options is None else connector_options,
        prefix_attention=prefix_attention,
    )
    model = VisionLanguageModel(config, language_model=language_model)
    if connector == "gated-cross-attention" and open_gates:
        for block in model.connector.blocks:
            block.attention_gate.data.fill_(0.7)
            block.feed_forward_gate.data.fill_(0.4)
    return model


ALL = {"contrastive": 1.0, "matching": 0.5, "language-modelling": 2.0, "masked-language-modelling": 0.25}


def make_learner(weights: dict[str, float] | None = None, **parts: Any) -> ImageTextModel:
    torch.manual_seed(0)
    connector = create_connector(
        "q-former", vision_width=WIDTH, language_width=16, queries=3, depth=2, vocabulary=len(tokenizer())
    )
    options = ObjectiveOptions(weights=weights or ALL, embedding_width=8, **parts.pop("options", {}))
    return ImageTextModel(connector.trunk, options, **parts)


def image_tokens(images: int = 2, tokens: int = 8, *, seed: int = 0, ragged: bool = False) -> VisualTokens:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(images, tokens, WIDTH, generator=generator)
    positions = grid_positions(2, tokens // 2).expand(images, -1, -1)
    mask = torch.ones(images, tokens, dtype=torch.bool)
    if ragged:
        for row in range(images):
            mask[row, tokens - row % tokens :] = False
    grids = None if ragged else torch.tensor([[2, tokens // 2]]).expand(images, -1)
    return visual_tokens(features, positions=positions, mask=mask, grids=grids)


def questions() -> list[list[Question]]:
    words = tokenizer()
    pairs = [
        [
            ("what shape is it?", "circle"),
            ("is it a red circle?", "no"),
            ("is there a blue box here", "blue box"),
        ],
        [("is it a red circle?", "yes")],
    ]
    return [[encode_question(words, *pair) for pair in row] for row in pairs]


def unpacked(rows: list[list[Question]]) -> tuple[list[list[Question]], torch.Tensor]:
    index = [image for image, row in enumerate(rows) for _ in row]
    return [[question] for row in rows for question in row], torch.tensor(index)


def prompts(rows: list[list[Question]], *, side: str = "right") -> TextRows:
    return pack_questions([[q._replace(answer=[]) for q in row] for row in rows], pad=0, side=side)


def run_rank(rank: int, world: int, port: int, work: Callable[..., Any], folder: str) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(world))
    os.environ.update(LOCAL_RANK=str(rank))
    distributed.init_process_group("gloo", rank=rank, world_size=world)
    result = work(rank, world)
    if rank == 0:
        torch.save(result, Path(folder) / "result.pt")
    distributed.destroy_process_group()


def forked(world: int, work: Callable[..., Any], folder: Path) -> Any:
    """What `work` gives on rank 0 of `world` forked ranks; in this process where there is one."""
    if world == 1:
        return work(0, 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    multiprocessing.start_processes(
        run_rank, args=(world, port, work, str(folder)), nprocs=world, start_method="fork"
    )
    return torch.load(folder / "result.pt", weights_only=True)
