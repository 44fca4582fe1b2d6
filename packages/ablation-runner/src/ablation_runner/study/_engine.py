"""How DeepSpeed trains the arms of a study."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ablation_runner.study._settings import Settings

Monitor = Literal["csv", "tensorboard", "wandb"]
LearningRateSchedule = Literal["cosine", "linear", "constant"]
# What neither changes a result nor stands in the way of going on from a checkpoint.
UNHASHED = frozenset({"checkpoint_every", "monitors"})


class Engine(Settings):
    """How DeepSpeed trains; the same for all arms."""

    zero_stage: Annotated[
        Literal[0, 1, 2, 3],
        Field(
            description="ZeRO: from 1 the processes divide optimizer states, from 2 gradients, with 3 weights."
        ),
    ] = 0
    offload: Annotated[
        Literal["none", "optimizer", "parameters"],
        Field(
            description="What waits in main memory: `optimizer` states (zero_stage 1 to 3), or `parameters` too (zero_stage 3)."
        ),
    ] = "none"
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"],
        Field(
            description="Training precision; optimizer states are float32. `float16` has a dynamic loss scale."
        ),
    ] = "float32"
    accumulation: Annotated[int, Field(ge=1, description="Micro-batches per optimizer step.")] = 1
    activation_checkpointing: Annotated[
        bool,
        Field(
            description="Computes the layers of the language model and of a trained encoder again in the backward pass, "
            "instead of keeping their activations."
        ),
    ] = False
    compile: Annotated[bool, Field(description="torch.compile, for all arms; needs a compiler.")] = False
    clip: Annotated[float, Field(ge=0, description="Largest gradient norm; 0 does not clip.")] = 1.0
    schedule: Annotated[LearningRateSchedule, Field(description="Learning rate after the warm-up.")] = (
        "cosine"
    )
    warmup: Annotated[float, Field(ge=0, lt=1, description="Share of the steps that warm up linearly.")] = (
        0.05
    )
    threads: Annotated[
        int, Field(ge=1, description="CPU threads per process; part of a trial's identity.")
    ] = 1
    checkpoint_every: Annotated[int, Field(ge=1, description="Steps between checkpoints.")] = 100
    monitors: Annotated[
        list[Monitor],
        Field(description="DeepSpeed's monitors, whose files lie in the trial's folder."),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _deepspeed_can(self) -> "Engine":
        least = {"none": 0, "optimizer": 1, "parameters": 3}[self.offload]
        if self.zero_stage < least:
            raise ValueError(
                f'offload = "{self.offload}" needs zero_stage = {least}{"" if least == 3 else " or more"}, '
                f"got {self.zero_stage}"
            )
        if self.compile and self.zero_stage == 3:
            raise ValueError(
                "compile = true needs zero_stage = 2 or less: weights are gathered between graphs"
            )
        return self

    @property
    def halves(self) -> bool:
        """Whether weights and activations are of 16 bits, beside float32 weights for the optimizer."""
        return self.precision != "float32"
