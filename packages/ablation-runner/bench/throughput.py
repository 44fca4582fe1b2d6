"""Tokens per second, model FLOP utilisation and peak memory of training at the shapes of CLIP ViT-L/14 + Qwen2.5-0.5B.

`python throughput.py` on one GPU, `deepspeed throughput.py` on several; weights are random and nothing is downloaded.
`--tiny` trains a model of a few thousand weights by the same code, on the CPU too.
"""

import argparse
import re
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2Config, Qwen2ForCausalLM

from ablation_runner.study import Engine, Training
from ablation_runner.trial._record import peak_gpu_memory, peak_memory
from ablation_runner.trial._seeding import seeded_init
from ablation_runner.trial.engine.engine import start_distributed, start_engine, training_type
from vlm_encoders import SmallViTOptions, create_encoder
from vlm_fusion import VisionLanguageConfig, VisionLanguageModel

# Dense bfloat16 FLOP/s by the name that CUDA gives (float16 on Volta and Turing), from NVIDIA's data sheets: A100
# (us-nvidia-1758950-r4), H100 and H200 (half of what they give with sparsity), L40S, L4, A10, V100, T4.
PEAK = {
    "NVIDIA A100": 312e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100": 989e12,
    "NVIDIA H200": 989e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA L4": 121e12,
    "NVIDIA A10": 125e12,
    "Tesla V100": 125e12,
    "Tesla T4": 65e12,
}
# Of Qwen/Qwen2.5-0.5B's configuration.
QWEN = {
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "tie_word_embeddings": True,
}
TINY = QWEN | {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What training took.

    Attributes:
        tokens_per_second: of the language model, visual ones included, on all ranks together.
        step_flops: of a step's forward and backward passes on one rank.
        step_seconds: of a step.
        peak_bytes: that one rank held at once, on its GPU where it has one.
    """

    tokens_per_second: float
    step_flops: int
    step_seconds: float
    peak_bytes: int


def utilisation(step_flops: int, step_seconds: float, *, peak: float) -> float:
    """The model FLOP utilisation (arXiv:2204.02311, appendix B): FLOPs that the model needs, per second, over the peak.

    What is computed again for the sake of memory does not count.

    >>> utilisation(10**12, 0.01, peak=400e12)
    0.25
    """
    return step_flops / step_seconds / peak


def peak_flops(name: str) -> float | None:
    """Of the GPU of that name; None where its data sheet is not here.

    >>> peak_flops("NVIDIA A100-SXM4-80GB"), peak_flops("NVIDIA L40")
    (312000000000000.0, None)
    """
    found = (peak for known, peak in PEAK.items() if re.match(rf"{known}\b", name))
    return next(found, None)


def make_model(*, tiny: bool) -> VisionLanguageModel:
    """The model with random weights; its encoder trains too."""
    shape = SmallViTOptions(size=32, patch=8, width=32, depth=2)
    with seeded_init(0, "encoder"):
        encoder = (
            create_encoder("small-vit", weights="random:0", options=shape)
            if tiny
            else create_encoder("clip-vit-l-14", weights="random:0")
        )
    with seeded_init(0, "language_model"):
        language_model = Qwen2ForCausalLM(Qwen2Config(**(TINY | {"vocab_size": 64} if tiny else QWEN)))
        config = VisionLanguageConfig(text_config=language_model.config, vision_width=encoder.spec.width)
        return VisionLanguageModel(config, language_model=language_model, encoder=encoder)


def make_batch(model: VisionLanguageModel, *, images: int, words: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels, token ids and labels; every word but the first is to be written."""
    noise = torch.Generator().manual_seed(torch.distributed.get_rank())
    pixels = torch.randn(images, 3, *model.encoder.spec.image_size, generator=noise)
    ids = torch.randint(model.config.text_config.vocab_size, (images, words), generator=noise)
    return pixels, ids, ids.masked_fill(torch.arange(words) == 0, -100)


def measure(*, tiny: bool, settings: Engine, steps: int, images: int, words: int) -> Measured:
    """Trains for `steps` steps of `images` rows of one image and `words` words on each rank."""
    _, ranks = start_distributed()
    model = make_model(tiny=tiny)
    training = Training(steps=steps, images_per_step=images * ranks, encoder={"name": "full"})
    pixels, ids, labels = make_batch(model, images=images, words=words)
    engine = start_engine(model.train(), training=training, engine=settings)
    pixels = pixels.to(engine.device, training_type(settings))
    ids, labels = ids.to(engine.device), labels.to(engine.device)

    def loss() -> Any:
        return engine(pixels, ids, labels=labels).loss

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        loss()
    visual = model.encoder.spec.tokens
    began = done = 0
    first = steps // 10 + 1  # the first steps also allocate
    for step in range(steps):
        if step == first:
            began, done = _now(), step
        engine.backward(loss())
        engine.step()
    seconds = (_now() - began) / (steps - done)
    return Measured(
        tokens_per_second=images * ranks * (visual + words) / seconds,
        step_flops=3 * counter.get_total_flops(),  # a backward pass computes twice what a forward pass does
        step_seconds=seconds,
        peak_bytes=peak_gpu_memory() or peak_memory(),
    )


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Measures and prints a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local_rank", type=int, help="given by the launcher")
    parser.add_argument("--tiny", action="store_true", help="a few thousand weights")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--images", type=int, default=16, help="per step and rank")
    parser.add_argument("--words", type=int, default=128, help="per image")
    parser.add_argument("--zero-stage", type=int, default=2, choices=range(4))
    asked = parser.parse_args()
    if not asked.tiny and not torch.cuda.is_available():
        parser.error("needs a GPU; --tiny runs without")
    settings = Engine(zero_stage=asked.zero_stage, precision="bfloat16")
    found = measure(
        tiny=asked.tiny, settings=settings, steps=asked.steps, images=asked.images, words=asked.words
    )
    if torch.distributed.get_rank() == 0:
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
        peak = peak_flops(name)
        used = utilisation(found.step_flops, found.step_seconds, peak=peak) if peak else None
        print(
            f"{'tiny' if asked.tiny else 'CLIP ViT-L/14 + Qwen2.5-0.5B'} shapes, ZeRO-{asked.zero_stage}, bfloat16, "
            f"{torch.distributed.get_world_size()} × {name}: {found.tokens_per_second:,.0f} tokens/s, "
            f"MFU {f'{used:.1%}' if used else 'unknown (no peak for this device)'}, "
            f"peak memory {found.peak_bytes / 2**30:.2f} GiB"
        )


if __name__ == "__main__":
    main()
