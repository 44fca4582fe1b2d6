"""The paired t of two plain vectors, for scores that are in no frame."""

import numpy as np
from numpy.typing import ArrayLike

from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import Contrast
from ablation_stats._refuse_arrays import label_codes, paired_vectors
from ablation_stats._result import Estimate


def paired_t(
    a: ArrayLike, b: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95, se_kind: str = "CR1"
) -> Estimate:
    """Mean of a minus b with its paired t interval and p-value, clustered where labels are given.

    Args:
        a: scores of the first arm.
        b: scores of the second, paired by position.
        cluster: label of each pair's cluster; None takes the pairs as independent.
        level: coverage, 0..1.
        se_kind: cluster-robust kind.

    Raises:
        ValueError: unequal lengths, fewer than two pairs or clusters, values not finite.

    >>> round(paired_t([1.0, 2.0, 4.0], [0.0, 1.5, 2.0]).estimate, 4)
    1.1667
    """
    first, second = paired_vectors(a, b)
    codes = np.arange(first.size)
    if cluster is not None:
        codes = label_codes(cluster, first.size, what="cluster")
    both = np.concatenate([first, second])
    contrast = Contrast(
        name="a - b",
        metric=None,
        arm="a",
        baseline="b",
        scores=(first - second)[None],
        codes=codes,
        n_clusters=int(codes.max()) + 1,
        binary=bool(np.isin(both, (0.0, 1.0)).all()),
        resolution=16 * float(np.finfo(np.float64).eps) * float(np.abs(both).max()),
        warnings=(),
    )
    return estimate_t(contrast, generalize_to="items", level=level, se_kind=se_kind)
