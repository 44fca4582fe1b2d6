"""How DeepSpeed trains the arms of a study."""

from typing import Annotated, Literal

from pydantic import Field

from ablation_runner.study._settings import Settings


class Engine(Settings):
    """How DeepSpeed trains; the same for all arms."""

    zero_stage: Annotated[Literal[0, 1, 2, 3], Field(description="ZeRO stage.")] = 0
    precision: Annotated[Literal["float32", "bfloat16"], Field(description="Training precision.")] = "float32"
    accumulation: Annotated[int, Field(ge=1, description="Micro-batches per optimizer step.")] = 1
    clip: Annotated[float, Field(ge=0, description="Largest gradient norm; 0 does not clip.")] = 1.0
    schedule: Annotated[
        Literal["cosine", "linear", "constant"], Field(description="Learning rate after the warm-up.")
    ] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1, description="Share of the steps that warm up linearly.")] = (
        0.05
    )
    threads: Annotated[
        int, Field(ge=1, description="CPU threads per process; part of a trial's identity.")
    ] = 1
    checkpoint_every: Annotated[int, Field(ge=1, description="Steps between checkpoints.")] = 100
