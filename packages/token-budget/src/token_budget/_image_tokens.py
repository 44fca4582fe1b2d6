"""The visual tokens that a transformers LLaVA- or Qwen2-VL-type model puts into its prompt."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ._tower_attention import TowerReader
from ._visual_tokens import VisualTokens, grid_positions, visual_tokens


def image_tokens(
    model: nn.Module,
    *,
    pixel_values: Tensor,
    image_grid_thw: Int[Tensor, "images 3"] | None = None,
    attention_layer: int | None = None,
) -> VisualTokens:
    """The visual tokens that a model puts into its prompt, one row per image, projected.

    Args:
        model: LLaVA-type (`vision_tower` and `multi_modal_projector`) or Qwen2-VL-type (`visual`), with its head or
            without.
        pixel_values: as the model's processor makes them.
        image_grid_thw: as the Qwen2-VL processor makes it.
        attention_layer: LLaVA only: also read `attention` and `keys` of this layer of the tower (-2: the layer whose
            output LLaVA takes).

    Raises:
        ValueError: another kind of model (also one with several crops per image or with deepstack), a tower without
            class token where attention is asked for, tokens that are not the tower's grid, or video.
    """
    inner: Any = getattr(model, "model", model)
    if hasattr(inner, "visual"):
        if attention_layer is not None:
            raise ValueError("a Qwen2-VL tower has no class token, so there is no attention of one")
        return _qwen_tokens(inner, pixel_values, image_grid_thw)
    if hasattr(inner, "vision_tower") and hasattr(inner, "multi_modal_projector"):
        return _llava_tokens(inner, pixel_values, attention_layer)
    raise ValueError(
        f"a LLaVA-type model (vision_tower, multi_modal_projector) or a Qwen2-VL-type model (visual) is needed,"
        f" got {type(model).__name__}"
    )


def _llava_tokens(inner: Any, pixel_values: Tensor, attention_layer: int | None) -> VisualTokens:
    if hasattr(inner, "image_newline"):
        raise ValueError(
            "an any-resolution model (image_newline) takes several crops per image, which are not told apart"
        )
    extras = {}
    if attention_layer is None:
        features = inner.get_image_features(pixel_values, return_dict=True).pooler_output
    else:
        with TowerReader(inner.vision_tower, attention_layer) as reader:
            features = inner.get_image_features(pixel_values, return_dict=True).pooler_output
        extras = reader.read()._asdict()
    stacked = torch.stack(list(features))
    vision = inner.config.vision_config
    side = vision.image_size // vision.patch_size
    if stacked.shape[1] != side * side:
        raise ValueError(f"the tower's grid is {side} x {side}, the image has {stacked.shape[1]} tokens")
    grids = torch.full((len(stacked), 2), side, device=stacked.device)
    positions = grid_positions(side, side, device=stacked.device).expand(len(stacked), -1, -1)
    return visual_tokens(stacked, grids=grids, positions=positions, extras=extras)


def _qwen_tokens(inner: Any, pixel_values: Tensor, image_grid_thw: Tensor | None) -> VisualTokens:
    if hasattr(inner.visual, "deepstack_merger_list"):
        raise ValueError(
            "a tower with deepstack feeds later decoder layers too, and those features cannot be reduced"
        )
    if image_grid_thw is None or bool((image_grid_thw[:, 0] != 1).any()):
        raise ValueError("image_grid_thw is needed, with one frame per image")
    features = inner.get_image_features(pixel_values, image_grid_thw, return_dict=True).pooler_output
    return _ragged(features, image_grid_thw[:, 1:] // inner.visual.spatial_merge_size)


def _ragged(features: tuple[Tensor, ...], grids: Int[Tensor, "images 2"]) -> VisualTokens:
    width = max(len(image) for image in features)
    padded = torch.stack([nn.functional.pad(image, (0, 0, 0, width - len(image))) for image in features])
    counts = torch.tensor([len(image) for image in features], device=padded.device)
    places = [
        nn.functional.pad(
            grid_positions(rows, columns, device=padded.device), (0, 0, 0, width - rows * columns)
        )
        for rows, columns in grids.tolist()
    ]
    mask = torch.arange(width, device=padded.device) < counts[:, None]
    return visual_tokens(padded, mask=mask, grids=grids.to(padded.device), positions=torch.stack(places))
