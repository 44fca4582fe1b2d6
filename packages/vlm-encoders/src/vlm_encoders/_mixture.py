"""Several encoders as one: channels side by side, tokens one after the other, or interleaved."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from token_budget import VisualTokens, grid_positions, visual_tokens

from ._encoder import Encoder
from ._mixture_spec import MixtureSpec, mixture_spec
from ._preprocess import preprocess


def resample_grid(
    features: Float[Tensor, "batch cells dim"], *, old: tuple[int, int], new: tuple[int, int]
) -> Float[Tensor, "batch newcells dim"]:
    """Cells of a grid interpolated (bilinear, antialiased) to another grid; the same tensor at the same grid."""
    if old == new:
        return features
    cells = features.transpose(1, 2).reshape(features.shape[0], -1, *old)
    resized = functional.interpolate(cells, size=new, mode="bilinear", antialias=True, align_corners=False)
    return resized.flatten(2).transpose(1, 2)


def join_tokens(seen: Sequence[VisualTokens], spec: MixtureSpec) -> VisualTokens:
    """The tokens that every encoder of a mixture has seen, as those of one encoder.

    "channels" is the fusion of DINOv2 and SigLIP in Prismatic (arXiv 2402.07865) and keeps the grid, and the class token
    where all have one; "interleave" the mixture of features of arXiv 2401.06209, here before any adapter, so the widths
    must agree.

    Args:
        seen: one per encoder, of the same images; live or stored.
        spec: of the mixture.

    Raises:
        ValueError: another number of tokens than of encoders.
    """
    if len(seen) != len(spec.encoders):
        raise ValueError(f"expected tokens of {len(spec.encoders)} encoders, got {len(seen)}")
    maps = [
        resample_grid(tokens.features, old=member.grid, new=spec.grid)
        for member, tokens in zip(spec.encoders, seen, strict=True)
    ]
    batch, device = maps[0].shape[0], maps[0].device
    positions = grid_positions(*spec.grid, device=device)
    if spec.combine == "channels":
        classes = [tokens.cls for tokens in seen if tokens.cls is not None]
        return visual_tokens(
            torch.cat(maps, dim=2),
            positions=positions.expand(batch, -1, -1),
            grids=torch.tensor([spec.grid], device=device).expand(batch, 2),
            cls=torch.cat(classes, dim=1) if len(classes) == len(seen) else None,
            extras={name: value for tokens in seen for name, value in tokens.extras.items()},
        )
    if spec.combine == "tokens":
        return visual_tokens(
            torch.cat(maps, dim=1), positions=positions.repeat(len(maps), 1).expand(batch, -1, -1)
        )
    return visual_tokens(
        torch.stack(maps, dim=2).flatten(1, 2),
        positions=positions.repeat_interleave(len(maps), dim=0).expand(batch, -1, -1),
    )


class EncoderMixture(nn.Module):
    """Encoders that look at the same images, on a common grid.

    Attributes:
        encoders: in order.
        spec: how their tokens are joined.
    """

    def __init__(
        self, encoders: Sequence[Encoder], *, combine: str, grid: tuple[int, int] | None = None
    ) -> None:
        """Joins encoders; arguments and errors are those of `mixture_spec`."""
        super().__init__()
        self.spec = mixture_spec([encoder.spec for encoder in encoders], combine=combine, grid=grid)
        self.encoders = nn.ModuleList(encoders)

    def preprocess(self, images: Sequence[Image.Image]) -> list[Tensor]:
        """Pixels for each encoder, by its own size, mean and deviation."""
        return [preprocess(images, spec) for spec in self.spec.encoders]

    def forward(self, pixels: Sequence[Float[Tensor, "batch 3 _ _"]]) -> VisualTokens:
        """Tokens of all encoders together, as `join_tokens` joins them.

        Args:
            pixels: one tensor per encoder, as `preprocess` gives them.

        Raises:
            ValueError: another number of tensors than of encoders.
        """
        if len(pixels) != len(self.encoders):
            raise ValueError(f"expected pixels for {len(self.encoders)} encoders, got {len(pixels)}")
        seen = [encoder(image) for encoder, image in zip(self.encoders, pixels, strict=True)]
        return join_tokens(seen, self.spec)
