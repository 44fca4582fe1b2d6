"""What the ranks of a trial tell each other besides gradients."""

from collections.abc import Callable

import torch

from ablation_runner.leases import Lease, LostLeaseError

Check = Callable[[], None]


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """The sum over all ranks, in place."""
    torch.distributed.all_reduce(tensor)
    return tensor


def agreed(wanted: bool) -> bool:
    """Whether rank 0 wants it."""
    flag = torch.tensor(int(wanted))
    torch.distributed.broadcast(flag, src=0)
    return bool(flag)


def checked(lease: Lease | None) -> Check:
    """What every rank calls before anything is written: refuses on all of them where rank 0 has lost its lease.

    Args:
        lease: rank 0's; None on the others.
    """

    def check() -> None:
        """Refuses.

        Raises:
            LostLeaseError: somebody else has taken the work over.
        """
        if not agreed(lease is not None and lease.is_mine()):
            raise LostLeaseError(
                "taken over by another worker while this one stood still; what it had done is dropped"
            )

    return check
