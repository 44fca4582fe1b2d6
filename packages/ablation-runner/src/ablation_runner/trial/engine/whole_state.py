"""The state of a DeepSpeed engine as whole tensors by name, the same for every number of ranks and every ZeRO stage."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

WEIGHT, STEP, BUFFER = "weight", "step", "buffer"
MOMENTS = ("exp_avg", "exp_avg_sq")  # of AdamW
SCHEDULED = "scheduled_steps"
_COUNTERS = ("global_steps", "global_samples", "micro_steps", "skipped_steps")
_SCALER = ("cur_scale", "cur_iter", "last_overflow_iter", "cur_hysteresis")


def trained_parameters(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of all that train."""
    return ((name, each) for name, each in module.named_parameters() if each.requires_grad)


def gather_tensors(engine: Any) -> dict[str, Tensor]:
    """Weights and moments in float32, each parameter's Adam steps, and the buffers; all ranks take part, rank 0 gets them.

    Names are `weight/NAME`, `exp_avg/NAME`, `exp_avg_sq/NAME`, `step/NAME` and `buffer/NAME`. A parameter that has
    had no gradient so far has a weight alone.
    """
    first = torch.distributed.get_rank() == 0
    if engine.zero_optimization_stage() and engine.optimizer.optimizer.state:
        _link_state(engine.optimizer)
    gathered = {f"{BUFFER}/{name}": each for name, each in engine.module.named_buffers()}
    for name, parameter in trained_parameters(engine.module):
        for kind, tensor in _state_of(engine, parameter):
            if first:
                gathered[f"{kind}/{name}"] = tensor
    return (
        {name: each.detach().cpu().clone().contiguous() for name, each in gathered.items()} if first else {}
    )


def scatter_tensors(engine: Any, tensors: dict[str, Tensor]) -> None:
    """Puts back what `gather_tensors` gave, on every rank its own part; the module has the weights already.

    Args:
        engine: fresh, of the same module.
        tensors: whole, on every rank.
    """
    stage = engine.zero_optimization_stage()
    if stage and any(name.startswith(f"{STEP}/") for name in tensors):
        _make_room(engine, next(each for name, each in tensors.items() if name.startswith(f"{STEP}/")))
    put = (_put_whole, _put_part, _put_part, _put_shard)[stage]
    with torch.no_grad():
        for name, parameter in trained_parameters(engine.module):
            kinds = [kind for kind in (WEIGHT, *MOMENTS, STEP) if f"{kind}/{name}" in tensors]
            put(engine, parameter, {kind: tensors[f"{kind}/{name}"] for kind in kinds})


def plain_state(engine: Any) -> dict[str, float]:
    """Counters of the engine, of its learning rates' schedule and of the loss scale."""
    scale = {name: value for name, value in vars(_scaler(engine)).items() if name in _SCALER}
    counted = {name: getattr(engine, name) for name in _COUNTERS}
    return {**counted, SCHEDULED: engine.lr_scheduler.last_epoch, **scale}


def check_plain_state(state: dict[str, Any]) -> None:
    """Nothing, where a state is one that `plain_state` gave.

    Raises:
        ValueError: a counter is missing, or is no number.
    """
    for name in (*_COUNTERS, SCHEDULED, *set(state) & set(_SCALER)):
        if type(state.get(name)) not in (int, float):
            raise ValueError(f"{name} is {state.get(name)!r}, not a number")


def restore_plain_state(engine: Any, state: dict[str, float]) -> None:
    """Puts back what `plain_state` gave; learning rates follow from it in closed form."""
    for name in _COUNTERS:
        setattr(engine, name, state[name])
    schedule, steps = engine.lr_scheduler, state[SCHEDULED]
    schedule.load_state_dict(schedule.state_dict() | {"last_epoch": steps, "_step_count": steps + 1})
    schedule._last_lr = [
        base * factor(steps) for base, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
    ]
    for group, rate in zip(engine.optimizer.param_groups, schedule.get_last_lr(), strict=True):
        group["lr"] = rate
    vars(_scaler(engine)).update({name: state[name] for name in _SCALER if name in state})


def _scaler(engine: Any) -> Any:
    """What holds the loss scale: DeepSpeed keeps it in one of two places, and nowhere without mixed precision."""
    for name in ("loss_scaler", "loss_scale_config"):
        if hasattr(engine.optimizer, name):
            return getattr(engine.optimizer, name)
    return SimpleNamespace()


def _state_of(engine: Any, parameter: nn.Parameter) -> Iterator[tuple[str, Tensor]]:
    """Kind and whole tensor of a parameter's weight and optimizer state."""
    if engine.zero_optimization_stage() == 0:
        master = _master(engine, parameter)
        yield WEIGHT, master
        yield from engine.optimizer.state.get(master, {}).items()
        return
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    yield WEIGHT, safe_get_full_fp32_param(parameter)
    state = engine.optimizer.optimizer.state
    if state:
        yield from ((kind, safe_get_full_optimizer_state(parameter, kind)) for kind in MOMENTS)
        yield STEP, next(iter(state.values()))[STEP]


def _master(engine: Any, parameter: nn.Parameter) -> Any:
    """The float32 weight that the optimizer changes; the parameter itself where it is float32."""
    groups = zip(
        getattr(engine.optimizer, "fp16_groups", ()),
        getattr(engine.optimizer, "fp32_groups", ()),
        strict=True,
    )
    for halves, masters in groups:
        for half, master in zip(halves, masters, strict=True):
            if half is parameter:
                return master
    return parameter


def _make_room(engine: Any, step: Tensor) -> None:
    """Gives ZeRO's flat partitions the state that they would get at the first step."""
    zero = engine.optimizer
    for flat in _partitions(zero):
        zero.optimizer.state[flat] = {
            STEP: step.to(flat.device, copy=True),
            **{kind: torch.zeros_like(flat) for kind in MOMENTS},
        }
    _link_state(zero)


def _link_state(zero: Any) -> None:
    """Lets ZeRO 1 and 2 find each parameter's moments; they link those of the first group alone (0.19.8)."""
    if hasattr(zero, "_hp_optimizer_states_linked"):
        zero._hp_optimizer_states_linked = False
        zero._lazy_init_hp_params_optimizer_state()


def _partitions(zero: Any) -> list[Tensor]:
    """This rank's flat float32 weights, as ZeRO 3, ZeRO 1 and 2, and the bfloat16 optimizer of stage 1 call them."""
    names = ("fp32_partitioned_groups_flat", "single_partition_of_fp32_groups", "fp32_groups_flat_partition")
    return next(getattr(zero, name) for name in names if hasattr(zero, name))


def _put_whole(engine: Any, parameter: nn.Parameter, tensors: dict[str, Tensor]) -> None:
    master = _master(engine, parameter)
    master.copy_(tensors.pop(WEIGHT))
    if tensors:
        engine.optimizer.state[master] = {
            kind: each.to(master.device, copy=True) for kind, each in tensors.items()
        }


def _put_part(engine: Any, parameter: nn.Parameter, tensors: dict[str, Tensor]) -> None:
    from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

    safe_set_full_fp32_param(parameter, tensors[WEIGHT])
    for kind in MOMENTS:
        if kind in tensors:
            safe_set_full_optimizer_state(parameter, tensors[kind], kind)


def _put_shard(engine: Any, parameter: nn.Parameter, tensors: dict[str, Tensor]) -> None:
    from deepspeed.utils import safe_set_local_fp32_param, safe_set_local_optimizer_state

    safe_set_local_fp32_param(parameter, _shard(parameter, tensors[WEIGHT]))
    for kind in MOMENTS:
        if kind in tensors:
            safe_set_local_optimizer_state(parameter, _shard(parameter, tensors[kind]), kind)


def _shard(parameter: Any, whole: Tensor) -> Tensor:
    """This rank's part of a tensor; the last rank's ends in zeros where it does not divide."""
    size = parameter.ds_tensor.numel()
    begin = size * torch.distributed.get_rank()
    part = whole.new_zeros(size)
    own = whole.flatten()[begin : begin + size]
    part[: own.numel()] = own
    return part
