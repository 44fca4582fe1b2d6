"""Where a token lies in its image, as sines and cosines to add to its features."""

import torch
from jaxtyping import Float
from torch import Tensor

from token_budget import VisualTokens


def require_code_width(dim: int, positions: str) -> None:
    """Refuses a width that position codes do not fit, before anything is computed with it.

    Args:
        dim: units of what the codes are added to.
        positions: `none` or `sinusoidal`.

    Raises:
        ValueError: codes are wanted and the width is not a multiple of 4.

    >>> require_code_width(6, "none")
    """
    if positions == "sinusoidal" and dim % 4:
        raise ValueError(f"sinusoidal positions need a width that is a multiple of 4, got {dim}")


def sinusoidal_positions(
    positions: Float[Tensor, "batch tokens 2"], dim: int, *, longest: float = 64.0
) -> Float[Tensor, "batch tokens {dim}"]:
    """Sines and cosines of y (first half) and x (second half), free of the grid's size.

    Frequencies run geometrically from half a turn per image to `longest` / 2 turns, so that the same place has the
    same code whatever the resolution (the usual table, arXiv 1706.03762, counts cells instead).

    Args:
        positions: centres (y, x), 0..1 of the image.
        dim: units of the code, a multiple of 4.
        longest: the highest frequency, in half turns per image.

    Raises:
        ValueError: `dim` is not a multiple of 4.

    >>> sinusoidal_positions(torch.tensor([[[0.5, 0.0]]]), 4).shape
    torch.Size([1, 1, 4])
    """
    require_code_width(dim, "sinusoidal")
    exponent = torch.linspace(0, 1, dim // 4, device=positions.device, dtype=positions.dtype)
    angles = positions[..., None] * (torch.pi * longest**exponent)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(2)


def position_codes(
    tokens: VisualTokens, dim: int, positions: str
) -> Float[Tensor, "batch tokens {dim}"] | None:
    """The codes that a connector adds to its keys, or None.

    Args:
        tokens: the image's tokens.
        dim: units of the code.
        positions: `none` or `sinusoidal`.

    Raises:
        ValueError: positions are wanted and the tokens carry none.
    """
    if positions == "none":
        return None
    if tokens.positions is None:
        raise ValueError("positions='sinusoidal' needs tokens with positions, and these carry none")
    return sinusoidal_positions(tokens.positions.to(tokens.features.dtype), dim)
