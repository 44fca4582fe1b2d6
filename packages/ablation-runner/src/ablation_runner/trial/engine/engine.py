"""DeepSpeed, started on however many ranks there are; nothing is compiled unless the study says so."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ablation_runner.study import Engine, Training
from ablation_runner.trial.engine.monitors import monitor_config
from ablation_runner.trial.engine.optimizer import make_optimizer
from ablation_runner.trial.engine.recomputing import recompute_activations

_PATIENCE = timedelta(minutes=30)  # of a collective, as DeepSpeed's


def start_distributed() -> tuple[int, int]:
    """Joins the ranks that the launcher started, or makes a world of one; gives (rank, ranks).

    The environment's RANK and WORLD_SIZE say which; without them no port is opened. Tensors in main memory go through
    gloo and those on GPUs through NCCL.
    """
    with_gpus = torch.cuda.is_available()
    if not with_gpus:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    # Its first use would compile a C++ operator for minutes; gloo does the same without it.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "cpu:gloo,cuda:nccl" if with_gpus else "gloo"
    if with_gpus:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if "WORLD_SIZE" not in os.environ:
        os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")
        store = torch.distributed.HashStore()  # type: ignore[attr-defined] # documented, not in its __all__
        torch.distributed.init_process_group(backend, store=store, rank=0, world_size=1)
    elif not torch.distributed.is_initialized():
        torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    deepspeed.init_distributed(dist_backend="nccl" if with_gpus else "gloo")
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def own_device() -> torch.device:
    """The GPU of this rank, or the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def start_engine(
    model: nn.Module, *, training: Training, engine: Engine, monitors: Path | None = None
) -> Any:
    """The DeepSpeed engine of a model, with AdamW and the study's schedules.

    Args:
        model: whole, in main memory.
        training: rates and batches.
        engine: how it is trained.
        monitors: folder of the files of DeepSpeed's monitors; None where none is switched on.

    Raises:
        ValueError: the global batch does not divide among ranks and micro-batches.
    """
    import deepspeed

    if engine.activation_checkpointing:
        recompute_activations(model)
    optimizer, make_schedule = make_optimizer(model, training, engine)
    config = _deepspeed_config(training, engine, torch.distributed.get_world_size())
    if monitors:
        config |= monitor_config(engine, monitors)
    made, *_ = deepspeed.initialize(
        model=model, optimizer=optimizer, lr_scheduler=make_schedule, config=config
    )
    if engine.halves and engine.zero_stage == 0:
        _undo_first_step(made.optimizer)
    if engine.compile:
        made.compile(compile_kwargs={"dynamic": True})  # rows of text differ in length
    return made


def _undo_first_step(optimizer: Any) -> None:
    """Takes back the step without gradients that DeepSpeed's optimizer of stage 0 takes when it is made (0.19.8).

    It would decay the weights, and count in AdamW's bias correction: the first steps would be a quarter shorter.
    """
    optimizer.state.clear()
    with torch.no_grad():
        for halves, masters in zip(optimizer.fp16_groups, optimizer.fp32_groups, strict=True):
            for half, master in zip(halves, masters, strict=True):
                master.copy_(half)


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


def training_type(engine: Engine) -> torch.dtype:
    """What weights and activations are while the engine trains."""
    dtype: torch.dtype = getattr(torch, engine.precision)
    return dtype


def _deepspeed_config(training: Training, engine: Engine, ranks: int) -> dict[str, Any]:
    zero: dict[str, Any] = {"stage": engine.zero_stage, "stage3_param_persistence_threshold": 0}
    waiting = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    if engine.offload != "none":
        zero["offload_optimizer"] = waiting
    if engine.offload == "parameters":
        zero["offload_param"] = waiting
    return {
        "train_batch_size": training.images_per_step,
        "train_micro_batch_size_per_gpu": micro_batch_size(training, engine, ranks),
        "gradient_accumulation_steps": engine.accumulation,
        "gradient_clipping": engine.clip,
        "bf16": {"enabled": engine.precision == "bfloat16"},
        "fp16": {"enabled": engine.precision == "float16"},
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,  # its own AdamW would be compiled; torch's does the same
        "steps_per_print": 10**9,
    }
