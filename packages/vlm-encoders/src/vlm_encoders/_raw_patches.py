"""No encoder at all, behind the contract of one: what early fusion reads."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ._architecture import Architecture
from ._backbone import Backbone


class RawPatches(Backbone):
    """The pixels of each patch as its token, in the order colour, row, column (Fuyu's input; no parameters)."""

    def __init__(self, architecture: Architecture) -> None:
        """Takes the side of a patch from the only stage."""
        super().__init__()
        self.architecture = architecture
        self.model = nn.PixelUnshuffle(architecture.stages[0].stride)

    def layers(
        self, pixels: Float[Tensor, "batch 3 height width"], wanted: Sequence[int]
    ) -> dict[int, Tensor]:
        """Layer 1, the patches; there is no other."""
        patches = self.model(pixels).flatten(2).transpose(1, 2)
        return dict.fromkeys(wanted, patches)

    def blocks(self) -> list[list[nn.Module]]:
        """One stage, without parameters."""
        return [[self.model]]

    def norm_modules(self) -> list[nn.Module]:
        """None."""
        return []

    def resize(self, size: tuple[int, int]) -> None:
        """Nothing depends on the size."""

    def cut(self, last: int, *, keep_norm: bool, keep_projection: bool) -> None:
        """There is nothing behind the only layer."""
