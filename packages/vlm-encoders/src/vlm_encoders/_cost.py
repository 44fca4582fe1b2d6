"""What an encoder costs: parameters, multiplications, memory for backward, speed."""

import time
from typing import NamedTuple

import torch
from torch import Tensor

from ._encoder import Encoder


class EncoderCost(NamedTuple):
    """Costs of one encoder at one image size.

    Attributes:
        parameters: in the encoder as cut.
        trained: those that need gradients.
        macs: multiply-accumulate operations per image, of matrix products, convolutions and attention.
        activation_bytes: kept for backward per image, in the mode that the encoder is in; parameters are not counted,
            and a frozen encoder keeps 0.
        images_per_second: forward, without gradients, on the device it is on; None where it was not timed.
    """

    parameters: int
    trained: int
    macs: int
    activation_bytes: int
    images_per_second: float | None


def encoder_cost(encoder: Encoder, *, batch_size: int = 1, repeats: int = 0) -> EncoderCost:
    """Costs measured on random images of the encoder's size.

    Args:
        encoder: as it is used: cut, resized, frozen or not.
        batch_size: images at once, 1 or more; matters for the speed.
        repeats: timed forward passes, of which the fastest counts; 0 times none.

    Raises:
        ValueError: `batch_size` is below 1 or `repeats` below 0.
    """
    if batch_size < 1 or repeats < 0:
        raise ValueError(f"batch_size must be 1 or more and repeats 0 or more, got {batch_size}, {repeats}")
    first = next(encoder.parameters(), torch.empty(0))
    noise = torch.Generator().manual_seed(0)
    pixels = torch.randn(batch_size, 3, *encoder.spec.image_size, generator=noise).to(first)
    kept, mode = _activation_bytes(encoder, pixels[:1]), encoder.training
    encoder.eval()
    cost = EncoderCost(
        parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        trained=sum(parameter.numel() for parameter in encoder.parameters() if parameter.requires_grad),
        macs=_macs(encoder, pixels[:1]),
        activation_bytes=kept,
        images_per_second=_speed(encoder, pixels, repeats) if repeats else None,
    )
    encoder.train(mode)
    return cost


def _macs(encoder: Encoder, pixels: Tensor) -> int:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # Written out as matrix products: the counter knows no fused attention on the CPU, and would take it for nothing.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        encoder(pixels)
    return int(counter.get_total_flops()) // 2


def _activation_bytes(encoder: Encoder, pixels: Tensor) -> int:
    own = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    kept: dict[int, int] = {}
    held = []  # so that no address is used twice

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(value)
        return value

    buffers = {name: value.clone() for name, value in encoder.named_buffers()}
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        encoder(pixels)
    with torch.no_grad():  # batch norm in train mode has moved its running statistics
        for name, value in encoder.named_buffers():
            value.copy_(buffers[name])
    return sum(kept.values())


def _speed(encoder: Encoder, pixels: Tensor, repeats: int) -> float:
    fastest = float("inf")
    with torch.inference_mode():
        for _ in range(repeats):
            start = time.perf_counter()
            encoder(pixels)
            if pixels.is_cuda:
                torch.cuda.synchronize()
            fastest = min(fastest, time.perf_counter() - start)
    return len(pixels) / fastest
