"""Weights that are there already: of a study's trial, of a file, or of a model of transformers."""

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from ablation_runner.study._settings import Settings

QUESTION = "{question}"  # what a template holds in the place of the prompt


class Checkpoint(Settings):
    """Where the weights of a model come from that is tested and not trained."""

    run: Annotated[
        str | None,
        Field(
            description="Folder of a study's run, such as runs/fusion-method; each seed's own weights are taken."
        ),
    ] = None
    arm: Annotated[str | None, Field(description="With run: the arm of that study.")] = None
    weights: Annotated[
        str | None,
        Field(description="Folder of one trial or of one stage of training, or a weights.safetensors."),
    ] = None
    transformers: Annotated[
        str | None,
        Field(
            description="A model of transformers that reads images and writes text: its folder, or its name on the hub. "
            "Its own processor prepares images and words."
        ),
    ] = None
    revision: Annotated[
        str | None, Field(description="Of a name on the hub: the full commit, which stands for its bytes.")
    ] = None
    template: Annotated[
        str | None,
        Field(
            description="Where the processor has no chat template: how it is asked, such as "
            f'"<image> {QUESTION}", with the prompt in the place of {QUESTION}.'
        ),
    ] = None
    processor: Annotated[
        dict[str, Any],
        Field(description="Options the processor is called with, such as the images' size."),
    ] = Field(default_factory=dict)
    max_new_tokens: Annotated[
        int | None,
        Field(ge=1, description="Longest answer of a model of transformers, tokens; 16 if left out."),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> "Checkpoint":
        sources = [name for name in ("run", "weights", "transformers") if getattr(self, name) is not None]
        if len(sources) != 1:
            found = " and ".join(sources) or "none of them"
            raise ValueError(f"a checkpoint has one of run, weights and transformers, got {found}")
        if (self.run is None) != (self.arm is None):
            raise ValueError("run and arm belong together: the folder of a run, and an arm of its study")
        return self

    @model_validator(mode="after")
    def _settings_of_transformers(self) -> "Checkpoint":
        own = ("revision", "template", "processor", "max_new_tokens")
        given = [name for name in own if getattr(self, name)]
        if self.transformers is None and given:
            raise ValueError(f"{given[0]} belongs to a model of transformers, and this is none")
        if self.template is not None and QUESTION not in self.template:
            raise ValueError(f"template has to hold {QUESTION}, got {self.template!r}")
        if self.revision is not None and not re.fullmatch("[0-9a-f]{40}", self.revision):
            raise ValueError(f"revision is a full commit, 40 hexadecimal digits, got {self.revision!r}")
        return self
