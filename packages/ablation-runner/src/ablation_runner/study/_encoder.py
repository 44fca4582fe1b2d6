"""The vision encoder's settings."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from ablation_runner.study._settings import Settings

if TYPE_CHECKING:
    from vlm_encoders import EncoderSpec


class Encoder(Settings):
    """The vision encoder: where no stage trains it, its features are stored once."""

    name: Annotated[str, Field(description="Encoder of vlm-encoders.")] = "efficientnet-lite0"
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
    def _fits(self) -> "Encoder":
        if self.name == "small-vit" and self.weights == "pretrained":
            raise ValueError('"small-vit" has no pretrained weights: set weights = "random"')
        self.spec()
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

    def spec(self, *, extras: tuple[str, ...] = ()) -> "EncoderSpec":
        """The checked record of the settings; nothing is loaded.

        Args:
            extras: what is read besides the features.

        Raises:
            ValueError: an unknown name, or a setting that the encoder cannot serve.
        """
        from vlm_encoders import encoder_spec

        return encoder_spec(self.name, extras=extras, **self.options())
