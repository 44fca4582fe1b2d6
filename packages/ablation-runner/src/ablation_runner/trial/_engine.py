"""DeepSpeed, started without compiling anything, on however many ranks there are."""

import math
import os
from typing import Any

import torch
from torch import nn

from ablation_runner.study import Engine, Training

_BETAS = (
    0.9,
    0.98,
)  # of AdamW; a short memory of the squared gradient, as transformers trained from scratch like


def start_distributed() -> tuple[int, int]:
    """Joins the ranks that the launcher started, or makes a world of one; gives (rank, ranks).

    The environment's RANK and WORLD_SIZE say which; without them no port is opened.
    """
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    # Its first use would compile a C++ operator for minutes; gloo does the same without it.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    if "WORLD_SIZE" not in os.environ:
        os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")
        store = torch.distributed.HashStore()  # type: ignore[attr-defined] # documented, not in its __all__
        torch.distributed.init_process_group(backend, store=store, rank=0, world_size=1)
    deepspeed.init_distributed(dist_backend=backend)
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def start_engine(model: nn.Module, *, training: Training, engine: Engine) -> Any:
    """The DeepSpeed engine of a model, with AdamW and the study's schedule.

    Raises:
        ValueError: the global batch does not divide among ranks and micro-batches.
    """
    import deepspeed
    from transformers import get_scheduler

    optimizer = torch.optim.AdamW(parameter_groups(model, training), betas=_BETAS, fused=True)
    schedule = {"constant": "constant_with_warmup"}.get(engine.schedule, engine.schedule)
    made, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        lr_scheduler=lambda wrapped: get_scheduler(
            schedule,
            wrapped,
            num_warmup_steps=math.ceil(engine.warmup * training.steps),
            num_training_steps=training.steps,
        ),
        config=_deepspeed_config(training, engine, torch.distributed.get_world_size()),
    )
    return made


def micro_batch_size(training: Training, engine: Engine, ranks: int) -> int:
    """Rows of one micro-batch on one rank.

    Raises:
        ValueError: the global batch does not divide.
    """
    parts = ranks * engine.accumulation
    if training.images_per_step % parts:
        raise ValueError(
            f"training.images_per_step = {training.images_per_step} does not divide among "
            f"{ranks} ranks × {engine.accumulation} micro-batches; use a multiple of {parts}"
        )
    return training.images_per_step // parts


def parameter_groups(model: nn.Module, training: Training) -> list[dict[str, Any]]:
    """Groups for the optimizer: matrices decay; biases, norms and gates do not; the encoder has a rate of its own."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = name.startswith("encoder."), parameter.ndim <= 1
            groups.setdefault(kind, []).append(parameter)
    rates = {False: training.learning_rate, True: training.encoder_learning_rate or training.learning_rate}
    return [
        {"params": members, "lr": rates[of_encoder], "weight_decay": 0.0 if flat else training.weight_decay}
        for (of_encoder, flat), members in sorted(groups.items(), key=lambda group: group[0])
    ]


def _deepspeed_config(training: Training, engine: Engine, ranks: int) -> dict[str, Any]:
    return {
        "train_batch_size": training.images_per_step,
        "train_micro_batch_size_per_gpu": micro_batch_size(training, engine, ranks),
        "gradient_accumulation_steps": engine.accumulation,
        "gradient_clipping": engine.clip,
        "bf16": {"enabled": engine.precision == "bfloat16"},
        "zero_optimization": {"stage": engine.zero_stage, "stage3_param_persistence_threshold": 0},
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 10**9,
    }
