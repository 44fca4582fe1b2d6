"""The facts of an encoder before a study runs: those of the catalogue stand there, others are known once it is made."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlm_encoders import EncoderSpec

_LIBRARIES = (
    "open_clip",
    "hf",
    "timm",
)  # prefixes of names whose weights need not be there to know the facts


def known_spec(name: str, *, weights: str, **settings: Any) -> "EncoderSpec":
    """The checked record of an encoder's settings; nothing is loaded for one of the catalogue.

    Any other is made, once for the same settings: with fresh weights, or where it is one's own and the study asks for
    pretrained weights, with those.

    Args:
        name: as `create_encoder` takes it.
        weights: "pretrained" or "random".
        settings: of `encoder_spec`.

    Raises:
        ValueError: an unknown name, or a setting that the encoder cannot serve.
    """
    from vlm_encoders import encoder_spec, list_encoders

    if ":" not in name or name in list_encoders():
        return encoder_spec(name, **settings)
    fresh = weights == "random" or name.partition(":")[0] in _LIBRARIES
    return _made_spec(name, "random:0" if fresh else weights, tuple(sorted(settings.items())))


@cache
def _made_spec(name: str, weights: str, settings: tuple[tuple[str, Any], ...]) -> "EncoderSpec":
    from vlm_encoders import create_encoder

    return create_encoder(name, weights=weights, verify=False, **dict(settings)).spec
