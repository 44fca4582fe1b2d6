"""What an allocator does, in numbers to log."""

from relevance_allocator._allocator import Allocated


def log_values(allocated: Allocated) -> dict[str, float]:
    """Numbers of a batch by name: tokens, their levels of detail, the tensions and the weights of the ways.

    The tensions are means over the images, with the lowest and highest beside them: one that has collapsed to the same
    value for every image shows. Reading them waits for the device.

    Args:
        allocated: of one batch.

    >>> from token_budget import visual_tokens
    >>> import torch
    >>> from relevance_allocator import create_allocator
    >>> allocator = create_allocator("uniform", dim=4, budget=3).eval()
    >>> log_values(allocator(visual_tokens(torch.zeros(2, 6, 4))))["tokens/mean"]
    3.0
    """
    achieved, levels = allocated.allocation.achieved.double(), allocated.allocation.levels
    values = {"tokens": achieved, **allocated.tensions._asdict()}
    found = {
        f"{name}/{kind}": float(getattr(one.detach().double(), short)())
        for name, one in values.items()
        for kind, short in (("mean", "mean"), ("lowest", "amin"), ("highest", "amax"))
    }
    for level, name in ((1, "full"), (2, "of-2x2"), (4, "of-4x4"), (0, "dropped")):
        found[f"patches/{name}"] = float((levels == level).double().mean())
    for name, weight in zip(allocated.maps, allocated.weights.detach().tolist(), strict=True):
        found[f"weight/{name}"] = weight
    return found
