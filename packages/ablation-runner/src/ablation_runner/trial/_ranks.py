"""What the ranks of a trial tell each other besides gradients."""

import torch


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """The sum over all ranks, in place."""
    if torch.distributed.get_world_size() > 1:
        torch.distributed.all_reduce(tensor)
    return tensor


def agreed(wanted: bool) -> bool:
    """Whether rank 0 wants it."""
    flag = torch.tensor(int(wanted))
    torch.distributed.broadcast(flag, src=0)
    return bool(flag)
