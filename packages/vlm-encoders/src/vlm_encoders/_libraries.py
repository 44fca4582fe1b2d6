"""Which function builds which library's encoders, and the names that stand outside the catalogue."""

import importlib
from importlib.util import find_spec
from pathlib import Path

from ._architecture import Architecture
from ._backbone import Backbone
from ._catalogue import CATALOGUE, PREFIXES
from ._hf import hf_backbone
from ._names import unknown_name
from ._open_clip import open_clip_backbone
from ._raw_patches import RawPatches
from ._seeding import own_randomness, random_seed
from ._small_vit import SmallViT
from ._state import load_exactly, read_state
from ._timm import timm_backbone
from ._wrap import wrap_model


def catalogue_backbone(architecture: Architecture, weights: str) -> Backbone:
    """The backbone of an encoder of the catalogue, whole and at its native size."""
    match architecture.library:
        case "open_clip":
            return open_clip_backbone(architecture.model, architecture.tag, weights)
        case "transformers":
            return hf_backbone(architecture.model, weights, mean=architecture.mean, std=architecture.std)
        case "timm":
            return timm_backbone(architecture.model, architecture.tag, weights, package=architecture.package)
        case "small_vit":
            return _small_vit(architecture, weights)
        case "raw_patches":
            return RawPatches(architecture)


def named_backbone(name: str, weights: str) -> Backbone:
    """The backbone behind `open_clip:NAME/TAG`, `hf:REPOSITORY`, `timm:NAME` or `package.module:Name`.

    The last one is a function of your own: it gets `weights` and returns a `Backbone`. Under "random:SEED" it may draw from
    torch's global generator, which starts at the seed.

    Raises:
        ValueError: a name of none of these forms; the nearest of the catalogue is named.
    """
    library, _, rest = name.partition(":")
    if library == "open_clip" and rest:
        model, _, tag = rest.partition("/")
        return open_clip_backbone(model, tag, weights)
    if library == "hf" and rest:
        return hf_backbone(rest, weights)
    if library == "timm" and rest:
        return timm_backbone(rest, "", weights)
    if rest and ("." in library or find_spec(library)):
        make = getattr(importlib.import_module(library), rest)
        with own_randomness(random_seed(weights) or 0):
            made = make(weights)
        if not isinstance(made, Backbone):
            raise ValueError(f"{name} must return a Backbone, got {type(made).__name__}")
        return made
    raise unknown_name("encoder", name, [*CATALOGUE, *PREFIXES])


def _small_vit(architecture: Architecture, weights: str) -> Backbone:
    seed = random_seed(weights)
    if weights == "pretrained":
        raise ValueError(
            '"small-vit" has no pretrained weights: name "random:SEED" or a file that you trained'
        )
    with own_randomness(seed or 0):
        model = SmallViT(
            size=architecture.size,
            patch=architecture.patch,
            width=architecture.width,
            depth=architecture.depth,
            registers=architecture.registers,
        )
    if seed is None:
        load_exactly(model, read_state(Path(weights)))
    return wrap_model(model, name=architecture.model, mean=architecture.mean, std=architecture.std)
