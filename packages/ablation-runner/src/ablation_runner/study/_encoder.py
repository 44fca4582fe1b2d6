"""The vision encoder's settings."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from ablation_runner.study._settings import Settings
from ablation_runner.study._spec import known_spec

if TYPE_CHECKING:
    from vlm_encoders import EncoderSpec, MixtureSpec


class SingleEncoder(Settings):
    """One vision encoder of vlm-encoders."""

    name: Annotated[str, Field(description="Encoder of vlm-encoders, or one's own.")] = "efficientnet-lite0"
    image_size: Annotated[int, Field(ge=1, description="Side of the square input, pixels.")] = 128
    feature_layer: Annotated[int, Field(description="Layer the features are read from; -1 is the last.")] = -2
    final_norm: Annotated[bool, Field(description="Apply the encoder's final norm to the features.")] = False
    weights: Annotated[
        Literal["pretrained", "random"],
        Field(description="Pretrained weights, or fresh ones drawn from the trial's seed."),
    ] = "pretrained"
    shape: Annotated[
        dict[str, int] | None,
        Field(description='Shape of "small-vit": size, patch, width, depth, registers.'),
    ] = None

    @model_validator(mode="after")
    def _fits(self) -> "SingleEncoder":
        if self.name == "small-vit" and self.weights == "pretrained":
            raise ValueError('"small-vit" has no pretrained weights: set weights = "random"')
        self.own_spec()
        return self

    def options(self) -> dict[str, Any]:
        """What `encoder_spec` and `create_encoder` take besides the name and the weights.

        Raises:
            ValueError: the shape has an unknown key or an impossible value.
        """
        from vlm_encoders import SmallViTOptions

        options: dict[str, Any] = self.model_dump(include={"image_size", "feature_layer", "final_norm"})
        if self.shape is not None:
            unknown = sorted(set(self.shape) - set(SmallViTOptions.__dataclass_fields__))
            if unknown:
                known = ", ".join(SmallViTOptions.__dataclass_fields__)
                raise ValueError(f"shape has no {unknown[0]!r}; it has {known}")
            options["options"] = SmallViTOptions(**self.shape)
        return options

    def own_spec(self, *, extras: tuple[str, ...] = ()) -> "EncoderSpec":
        """The checked record of this encoder's settings; nothing is loaded.

        Args:
            extras: what is read besides the features.

        Raises:
            ValueError: an unknown name, or a setting that the encoder cannot serve.
        """
        return known_spec(self.name, weights=self.weights, extras=extras, **self.options())


class Encoder(SingleEncoder):
    """The vision encoder, or several as one: where no stage trains it, its features are stored once."""

    mixed_with: Annotated[
        list[SingleEncoder],
        Field(
            description="Further encoders that look at the same image; each one's features are stored once."
        ),
    ] = Field(default_factory=list)
    combine: Annotated[
        Literal["channels", "tokens", "interleave"],
        Field(description="How tokens of several encoders are joined, on the first one's grid."),
    ] = "channels"

    @model_validator(mode="after")
    def _can_be_mixed(self) -> "Encoder":
        if not self.mixed_with and "combine" in self.model_fields_set and self.combine != "channels":
            raise ValueError(f"combine = {self.combine!r} joins several encoders, and mixed_with names none")
        self.spec()
        return self

    @property
    def members(self) -> tuple[SingleEncoder, ...]:
        """Every encoder, this one first."""
        own = {name: getattr(self, name) for name in SingleEncoder.model_fields}
        return (SingleEncoder(**own), *self.mixed_with)

    def spec(self, *, extras: tuple[str, ...] = ()) -> "EncoderSpec | MixtureSpec":
        """The checked record of the settings, of a mixture where there are several encoders; nothing is loaded.

        Args:
            extras: what is read besides the features.

        Raises:
            ValueError: an unknown name, or a setting that the encoder or the mixture cannot serve.
        """
        from vlm_encoders import mixture_spec

        specs = [member.own_spec(extras=extras) for member in self.members]
        return mixture_spec(specs, combine=self.combine) if self.mixed_with else specs[0]
