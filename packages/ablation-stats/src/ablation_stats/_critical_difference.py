"""Groups of arms whose average ranks lie closer than the critical difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation_stats._friedman import FriedmanTest, friedman_test, nemenyi_cd
from ablation_stats._refuse import require_positive
from ablation_stats._refuse_arrays import finite_vector
from ablation_stats._result import Tabular
from ablation_stats._task_scores import as_task_scores


@dataclass(frozen=True, kw_only=True)
class CriticalDifferences(Tabular):
    """What a critical-difference diagram shows.

    Attributes:
        arms: from the best average rank to the worst; average_ranks: in the same order.
        critical_difference: Nemenyi's.
        groups: arms that are not told apart, joined by ", "; a group inside another is left out.
        friedman: the test of all arms together; read the groups only where it rejects.
        alpha: error rate over all pairs.
    """

    arms: tuple[str, ...]
    average_ranks: tuple[float, ...]
    critical_difference: float
    groups: tuple[str, ...]
    friedman: FriedmanTest
    alpha: float


def critical_difference_groups(
    average_ranks: Mapping[str, float], critical_difference: float
) -> tuple[tuple[str, ...], ...]:
    """The largest groups of arms of which no two differ by the critical difference or more.

    Args:
        average_ranks: per arm, 1 is best.
        critical_difference: as `nemenyi_cd` gives it.

    Raises:
        ValueError: no arm, ranks that are not finite, or a difference not above 0.

    >>> critical_difference_groups({"a": 1.2, "b": 2.0, "c": 2.8, "d": 4.0}, 1.0)
    (('a', 'b'), ('b', 'c'), ('d',))
    """
    require_positive(critical_difference, what="critical_difference")
    finite_vector(list(average_ranks.values()), what="average_ranks")
    ordered = sorted(average_ranks, key=lambda arm: (average_ranks[arm], arm))
    groups: list[tuple[str, ...]] = []
    reached = 0
    for start, first in enumerate(ordered):
        near = [
            arm for arm in ordered[start:] if average_ranks[arm] - average_ranks[first] < critical_difference
        ]
        if start + len(near) > reached:
            groups.append(tuple(near))
            reached = start + len(near)
    return tuple(groups)


def critical_differences(
    frame: Any,
    *,
    alpha: float = 0.05,
    metric: str | None = None,
    condition: str | None = None,
    higher_is_better: bool = True,
) -> CriticalDifferences:
    """Average ranks over the tasks of a frame, and the groups of arms that Nemenyi's test does not tell apart.

    Tasks are the units: this says whether arms rank alike over tasks like these, and uses neither items nor
    the spread over seeds, which are averaged first.

    Args:
        frame: long frame with a column `task`, or `TaskScores`.
        alpha: error rate over all pairs, 0..1.
        metric: metric to read, where the frame holds several.
        condition: likewise.
        higher_is_better: False for error rates and losses.

    Raises:
        ValueError: fewer than 3 arms or 2 tasks, or as `task_scores`.
    """
    scores = as_task_scores(frame, metric=metric, condition=condition)
    means = scores.values.mean(axis=1).T.round(
        12
    )  # equal means must tie, whatever order their seeds were added in
    test = friedman_test(means, higher_is_better=higher_is_better)
    difference = nemenyi_cd(test.n_arms, test.n_tasks, alpha=alpha)
    order = np.argsort(test.average_ranks, kind="stable")
    ranks = {scores.arms[at]: test.average_ranks[at] for at in order}
    return CriticalDifferences(
        arms=tuple(ranks),
        average_ranks=tuple(ranks.values()),
        critical_difference=difference,
        groups=tuple(", ".join(group) for group in critical_difference_groups(ranks, difference)),
        friedman=test,
        alpha=alpha,
    )
