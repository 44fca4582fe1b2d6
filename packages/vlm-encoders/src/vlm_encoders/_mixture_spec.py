"""The record of a mixture of encoders, checked where it is written; free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from ._spec import EncoderSpec

COMBINE = ("channels", "tokens", "interleave")


@dataclass(frozen=True, kw_only=True)
class MixtureSpec:
    """Which encoders look at the same image, and how their tokens are joined; `mixture_spec` makes it.

    Attributes:
        encoders: in order.
        combine: "channels" (vectors joined), "tokens" (sequences joined) or "interleave" (a token of each in turn).
        grid: rows and columns that every encoder's tokens are interpolated to.
    """

    encoders: tuple[EncoderSpec, ...]
    combine: str
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        """Refuse encoders that cannot be joined so."""
        widths = [spec.width for spec in self.encoders]
        if self.combine not in COMBINE:
            raise ValueError(f"combine must be one of {', '.join(COMBINE)}, got {self.combine!r}")
        if len(self.encoders) < 2:
            raise ValueError(f"a mixture needs two encoders or more, got {len(self.encoders)}")
        if min(self.grid) < 1:
            raise ValueError(f"the common grid must have 1 row and column or more, got {self.grid}")
        if self.combine != "channels" and len(set(widths)) > 1:
            raise ValueError(f"{self.combine} needs equal widths, got {widths}")
        if any(spec.appended for spec in self.encoders):
            raise ValueError("encoders of a mixture must not append tokens: these have no place on the grid")
        names = [name for spec in self.encoders for name in spec.extras]
        moved = [spec.name for spec in self.encoders if spec.extras and spec.grid != self.grid]
        if names and (self.combine != "channels" or len(set(names)) < len(names) or moved):
            raise ValueError(
                f'extras are joined by "channels" alone, under one name, at their own grid; got {names}'
            )

    @property
    def width(self) -> int:
        """Channels of a token."""
        widths = [spec.width for spec in self.encoders]
        return sum(widths) if self.combine == "channels" else widths[0]

    @property
    def tokens(self) -> int:
        """Tokens per image."""
        cells = self.grid[0] * self.grid[1]
        return cells if self.combine == "channels" else cells * len(self.encoders)


def mixture_spec(
    encoders: Sequence[EncoderSpec], *, combine: str, grid: tuple[int, int] | None = None
) -> MixtureSpec:
    """The checked record of a mixture; nothing is loaded.

    Args:
        encoders: two or more, their tokens forming grids.
        combine: how; all but "channels" need equal widths.
        grid: the common grid; the first encoder's by default.

    Raises:
        ValueError: fewer than two encoders, unequal widths, appended tokens, or extras that cannot be joined.

    >>> from vlm_encoders import encoder_spec
    >>> members = [encoder_spec("clip-vit-l-14"), encoder_spec("dinov2-l-14", image_size=224)]
    >>> mixture_spec(members, combine="channels").width
    2048
    """
    first = encoders[0].grid if encoders else (1, 1)
    return MixtureSpec(encoders=tuple(encoders), combine=combine, grid=grid or first)
