"""Aggregates over tasks against rliable: interquartile mean, performance profile, probability of improvement.

20 runs x 26 tasks, as in the Atari 100k benchmark. Each side runs in a process of its own; see `side_by_side`. rliable
resamples each arm on its own and ignores the seed it is given; ours shares the runs drawn between arms. The probability of
improvement is timed on a tenth of rliable's resamples, which take equally long each.
"""

import numpy as np
from side_by_side import Case, Work, run

RUNS, TASKS = 20, 26
IMPROVEMENT_SHARE = 10


def scores() -> dict[str, np.ndarray]:
    """Scores `[runs, tasks]` of two arms."""
    rng = np.random.default_rng(0)
    return {arm: rng.normal(base, 0.2, (RUNS, TASKS)) for arm, base in (("a", 0.5), ("b", 0.45))}


def ours(*arms: str):
    """Our table of some arms."""
    from ablation_stats import TaskScores

    return TaskScores(
        arms=arms,
        seeds=tuple(range(RUNS)),
        tasks=tuple(f"task-{at:02d}" for at in range(TASKS)),
        values=np.stack([scores()[arm] for arm in arms]),
        metric=None,
    )


def ours_iqm(scale: int) -> Work:
    """Our interval of the interquartile mean of one arm."""
    from ablation_stats import RunBootstrap, aggregate_scores

    table, bootstrap = ours("a"), RunBootstrap(rng=1, n_resamples=50_000 // scale)
    return lambda: aggregate_scores(table, bootstrap, statistic="iqm")


def rliable_iqm(scale: int) -> Work:
    """The same by rliable."""
    from rliable import library, metrics

    table = {"a": scores()["a"]}
    return lambda: library.get_interval_estimates(
        table, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=50_000 // scale
    )


TAUS = np.linspace(0, 1, 101)


def ours_profile(scale: int) -> Work:
    """Our performance profile of one arm at 101 thresholds."""
    from ablation_stats import RunBootstrap, performance_profiles

    table, bootstrap = ours("a"), RunBootstrap(rng=1, n_resamples=2000 // scale)
    return lambda: performance_profiles(table, bootstrap, taus=TAUS)


def rliable_profile(scale: int) -> Work:
    """The same by rliable."""
    from rliable import library

    table = {"a": scores()["a"]}
    return lambda: library.create_performance_profile(table, TAUS, reps=2000 // scale)


def ours_improvement(scale: int) -> Work:
    """Our probability that one arm improves on the other."""
    from ablation_stats import RunBootstrap, improvement_probabilities

    table, bootstrap = ours("a", "b"), RunBootstrap(rng=1, n_resamples=2000 // scale)
    return lambda: improvement_probabilities(table, bootstrap, baseline="b")


def rliable_improvement(scale: int) -> Work:
    """The same by rliable, with a tenth of the resamples."""
    from rliable import library, metrics

    both = scores()
    return lambda: library.get_interval_estimates(
        {"a,b": (both["a"], both["b"])},
        lambda x, y: np.array([metrics.probability_of_improvement(x, y)]),
        reps=2000 // IMPROVEMENT_SHARE // scale,
    )


CASES = {
    "IQM, 20 x 26 x 50,000": Case(ours=ours_iqm, peer=rliable_iqm, needs="rliable", at_least=30),
    "performance profile, 101 thresholds x 2,000": Case(
        ours=ours_profile, peer=rliable_profile, needs="rliable", at_least=50
    ),
    "probability of improvement x 2,000": Case(
        ours=ours_improvement,
        peer=rliable_improvement,
        needs="rliable",
        at_least=300,
        peer_share=1 / IMPROVEMENT_SHARE,
    ),
}

if __name__ == "__main__":
    run(CASES, script=__file__, description=__doc__)
