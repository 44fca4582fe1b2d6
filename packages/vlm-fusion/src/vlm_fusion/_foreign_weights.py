"""Weights under the names that another library has for them, checked before they are taken."""

import re
from collections.abc import Mapping

from torch import Tensor, nn

# Patterns of our names on the left, theirs on the right; what follows the match (weight, bias) is the same.
Renames = tuple[tuple[str, str], ...]


def renamed(name: str, renames: Renames) -> str | None:
    r"""The other library's name of a weight; None where it has no such weight.

    Args:
        name: as in our state dict.
        renames: the first pattern that fits the beginning of the name counts.

    >>> renamed("blocks.3.norm.bias", ((r"blocks\.(\d+)\.norm\.", r"layers.\1.layernorm."),))
    'layers.3.layernorm.bias'
    """
    for ours, theirs in renames:
        if match := re.match(ours, name):
            return match.expand(theirs) + name[match.end() :]
    return None


def fill(module: nn.Module, state: Mapping[str, Tensor], *, names: Mapping[str, str], source: str) -> None:
    """Fills the named weights of a module with another library's; the others stay as they are.

    Args:
        module: what is filled.
        state: the other library's weights; those that are not named are passed over.
        names: for each of our names that is filled, theirs.
        source: what the state is of, for the error.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    own, found = module.state_dict(), {}
    for ours, theirs in names.items():
        if theirs not in state:
            raise ValueError(f"the {source} state has no {theirs!r}")
        given, wanted = tuple(state[theirs].shape), tuple(own[ours].shape)
        if given != wanted:
            raise ValueError(f"{theirs!r} of the {source} state has shape {given}, {ours!r} needs {wanted}")
        found[ours] = state[theirs]
    module.load_state_dict({**own, **found})
