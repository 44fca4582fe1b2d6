"""What a checkpoint is, whatever one takes from it: the facts that every backend is checked against."""

from dataclasses import dataclass
from typing import Literal

Library = Literal["open_clip", "transformers", "timm", "small_vit", "raw_patches"]
Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
HALF: Triple = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One feature stage of a convolutional model.

    Attributes:
        stride: pixels of the image per side of a cell.
        width: channels.
    """

    stride: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The facts of a checkpoint, compared with the library's module when an encoder is made.

    Attributes:
        library: which library builds it.
        model: the library's own name of it (a repository for transformers).
        tag: the library's name of the weights; empty where `model` says it all.
        size: height and width in pixels that it was trained at.
        patch: pixels per side of a patch; 0 for a convolutional model, whose stages say it.
        width: channels of a transformer's tokens; 0 for a convolutional model.
        depth: transformer blocks, or feature stages of a convolutional model.
        class_token: whether a class token stands before the patches.
        registers: register tokens between class token and patches.
        norm: whether a last norm exists that applies to every token.
        joint: whether single tokens can be projected into a joint space of image and text.
        stages: feature stages, first to last; empty for a transformer.
        mean: per channel, of pixels in 0..1.
        std: per channel, of pixels in 0..1.
        interpolation: how images are resized for it.
        licence: SPDX identifier of the weights, or "unknown".
        package: a Python package that carries the weights, in place of a download; empty for none.
    """

    library: Library
    model: str
    tag: str = ""
    size: tuple[int, int]
    patch: int = 0
    width: int = 0
    depth: int
    class_token: bool = False
    registers: int = 0
    norm: bool = True
    joint: bool = False
    stages: tuple[Stage, ...] = ()
    mean: Triple
    std: Triple
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    licence: str = "unknown"
    package: str = ""

    def __post_init__(self) -> None:
        """Refuse facts that contradict one another."""
        if self.stages and self.norm:
            raise ValueError(f"{self.model}: a model with stages has no norm that applies to every position")
        if self.stages and (self.patch or self.width or self.class_token or self.registers):
            raise ValueError(
                f"{self.model}: a model with stages has no patch, width, class token or registers"
            )
        if self.stages and len(self.stages) != self.depth:
            raise ValueError(
                f"{self.model}: depth {self.depth} must be its number of stages {len(self.stages)}"
            )
        if not self.stages and min(self.patch, self.width, self.depth) < 1:
            raise ValueError(f"{self.model}: patch, width and depth must be at least 1")
        if self.registers < 0 or min(self.size) < 1:
            raise ValueError(f"{self.model}: registers must be 0 or more and sizes 1 or more")
        if self.interpolation not in ("bicubic", "bilinear"):
            raise ValueError(
                f"{self.model}: interpolation must be bicubic or bilinear, got {self.interpolation!r}"
            )
        if min(self.std) <= 0:
            raise ValueError(f"{self.model}: std must be above 0, got {self.std}")

    @property
    def convolutional(self) -> bool:
        """Whether a layer is a feature stage rather than a transformer block."""
        return bool(self.stages)
