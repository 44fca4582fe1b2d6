"""Trains every kind of model under ZeRO stages 0 and 3 on two ranks; a program of its own, as DeepSpeed keeps global state.

Usage: python zero_ranks.py FOLDER NAME..., which writes FOLDER/result.pt: losses by model and stage.
"""

import sys
from pathlib import Path
from typing import Any

import deepspeed
import torch
from fusion_helpers import (
    Patches,
    forked,
    image_tokens,
    make_learner,
    make_model,
    questions,
    tokenizer,
    unpacked,
)

from vlm_fusion import VisionLanguageModel, encode_question, mask_words, pack_questions


def engine_of(model: torch.nn.Module, stage: int) -> Any:
    zero = {"stage": stage, "stage3_param_persistence_threshold": 0} if stage else {"stage": 0}
    settings = {
        "train_micro_batch_size_per_gpu": 1,
        "zero_optimization": zero,
        "gradient_clipping": 1.0,
        "zero_allow_untested_optimizer": True,
    }
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return deepspeed.initialize(model=model, optimizer=optimizer, config=settings)[0]


def trained(engine: Any, steps: list[dict[str, Any]]) -> list[float]:
    """The loss over both ranks at each step."""
    found = []
    for given in steps:
        loss = engine(**given).loss
        engine.backward(loss)
        engine.step()
        whole = loss.detach().clone()
        torch.distributed.all_reduce(whole)
        found.append(whole.item())
    engine.destroy()
    return found


def asked(rank: int, step: int) -> dict[str, Any]:
    """Packed and single rows take turns; with the images of the rows."""
    row = [questions()[rank]]
    flat, index = unpacked(row)
    packed, single = pack_questions(row, pad=0), pack_questions(flat, pad=0, side="left")
    text, images = (packed, torch.zeros(1, dtype=torch.long)) if step % 2 else (single, index)
    return {
        "input_ids": text.input_ids,
        "segments": text.segments,
        "labels": text.labels,
        "answer_tokens": 9 / 2,
        "image_index": images,
    }


def stored(rank: int, step: int) -> dict[str, Any]:
    """A step over stored features; rank 1 has no image at steps 1 and 2."""
    text = asked(rank, step)
    if rank == 1 and step in (1, 2):
        return {**text, "tokens": None, "image_index": None}
    return {**text, "tokens": image_tokens(1, seed=rank)}


def pixels(rank: int, step: int) -> dict[str, Any]:
    """A step over pixels; the rows of rank 1 see none of them at steps 1 and 2."""
    text, drawer = asked(rank, step), torch.Generator().manual_seed(rank)
    if rank == 1 and step in (1, 2):
        text["image_index"] = torch.full_like(text["image_index"], -1)
    return {**text, "tokens": torch.randn(1, 3, 8, 8, generator=drawer)}


def paired(rank: int, step: int) -> dict[str, Any]:
    """A step over images and captions, two per rank."""
    texts = [["circle", "blue box"], ["yes", "circle"]][rank]
    text = pack_questions([[encode_question(tokenizer(), "", each)] for each in texts], pad=0)
    drawer = torch.Generator().manual_seed(step)
    masked = mask_words(text.input_ids, text.labels > 2, mask_token=4, vocabulary=15, generator=drawer)
    return {
        "tokens": image_tokens(2, seed=rank),
        "input_ids": text.input_ids,
        "attention_mask": text.attention_mask,
        "labels": text.labels,
        "captions": torch.tensor([[0, 1], [2, 0]][rank]),
        "masked": masked,
        "generator": torch.Generator().manual_seed(step),
    }


def with_encoder() -> VisionLanguageModel:
    base = make_model("q-former")
    parts = {"connector": base.connector, "language_model": base.language_model}
    return VisionLanguageModel(base.config, **parts, encoder=Patches())


def losses(name: str, stage: int, rank: int) -> list[float]:
    """Four steps of a connector, of a model with an encoder, or of the objectives."""
    if name == "objectives":
        model, step_of = make_learner(), paired
    elif name == "encoder":
        model, step_of = with_encoder(), pixels
    else:
        model, step_of = make_model(name), stored
    return trained(engine_of(model, stage), [step_of(rank, step) for step in range(4)])


def all_models(rank: int, world: int) -> Any:
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend="gloo", auto_mpi_discovery=False, verbose=False)
    return {name: [losses(name, stage, rank) for stage in (0, 3)] for name in sys.argv[2:]}


if __name__ == "__main__":
    forked(2, all_models, Path(sys.argv[1]))
