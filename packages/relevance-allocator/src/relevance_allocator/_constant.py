"""Images that show nothing: every pixel the same."""

import torch
from jaxtyping import Bool
from torch import Tensor

from relevance_allocator._groups import texture_channels
from relevance_allocator._patches import PatchTexture
from relevance_allocator._scene import Scene


def constant_texture(texture: PatchTexture) -> Bool[Tensor, " batch"]:
    """True for images whose colour is the same everywhere.

    Normalisation puts a constant channel to 0 and every other to unit deviation, so a channel is constant exactly
    where its means and its entropies are 0 in all patches. Sobel alone would take two colours of one luma for none.

    Args:
        texture: of the image; without its `rgb` and `lab` groups no image is taken to be constant.

    >>> from relevance_allocator import patch_texture
    >>> grey, two = torch.full((3, 4, 4), 0.3), torch.tensor([0.2, 0.2, 0.6, 0.6]).expand(3, 4, 4)
    >>> constant_texture(patch_texture(torch.stack([grey, two]), (2, 2)))
    tensor([ True, False])
    """
    colour = {
        name for group in ("rgb", "lab") if group in texture.groups for name in texture_channels([group])
    }
    kept = [place for place, name in enumerate(texture_channels(texture.groups)) if name in colour]
    if not kept:
        return torch.zeros(len(texture.means), dtype=torch.bool, device=texture.means.device)
    seen = (texture.means[..., kept] != 0) | (texture.entropies[..., kept] != 0)
    return ~seen.flatten(1).any(1)


def shows_nothing(scene: Scene) -> Bool[Tensor, " batch"]:
    """True for the scene's constant images, as far as its texture tells; without one, for none.

    >>> from token_budget import visual_tokens
    >>> shows_nothing(Scene(visual_tokens(torch.zeros(2, 4, 3))))
    tensor([False, False])
    """
    if scene.texture is None:
        mask = scene.tokens.mask
        return torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
    return constant_texture(scene.texture)
