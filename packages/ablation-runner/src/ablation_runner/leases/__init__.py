"""Who has what in work, said by files that any process on a shared file system can read, take, and take over."""

from ablation_runner.leases._lease import LASTS, Lease, LostLeaseError, is_leased, try_lease
from ablation_runner.leases._presence import alone_in, take_part

__all__ = ["LASTS", "Lease", "LostLeaseError", "alone_in", "is_leased", "take_part", "try_lease"]
