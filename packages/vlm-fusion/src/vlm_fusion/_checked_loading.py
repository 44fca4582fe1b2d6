"""Loading a saved model, refusing weights that are not its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def load_checked(load: Callable[..., Any], folder: str | Path, options: Mapping[str, Any]) -> Any:
    """What `transformers` loads from a folder, once every weight has found its place.

    Args:
        load: a `from_pretrained` of `transformers`, which only warns of weights that don't fit.
        folder: where the model was saved.
        options: as `from_pretrained` takes them.

    Raises:
        ValueError: weights are missing, left over, or of another shape.
    """
    checks = {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, loaded = load(folder, **{**options, **checks})
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if loaded[kind]:
            names = sorted(map(str, loaded[kind]))[:3]
            raise ValueError(f"{folder}: weights of another configuration: {kind} {names}")
    return model
