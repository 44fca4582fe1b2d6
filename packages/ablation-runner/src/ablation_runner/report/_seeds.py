"""How many seeds each arm was given, and which look ended it, where seeds were added as needed."""

from ablation_runner.report._section import Grid, Section
from ablation_runner.results import StudyResults


def seeds(study: StudyResults) -> Section | None:
    """The section; None where the seeds are a list."""
    added = study.seeds_added
    if added is None:
        return None
    rule = (
        f"Every arm has {added.fewest} seeds. The arms of a claim that was not decided were given one more at a time, "
        f"up to {added.most}, and the claim was looked at after each; the error of all claims is spent over the looks, "
        f"{added.spending}, so that looking does not add false claims."
    )
    numbers = (
        "p-values of claims, and of the arms that claims name, are corrected for the looks; where there is none, the arm "
        "stopped before any boundary was reached. Intervals are not corrected: each is that of a single look. "
        f"Means, and all that is not a claim or a difference to the baseline, are over the first {added.fewest} seeds, "
        "which every arm has and which no look chose."
    )
    return Section(
        name="seeds",
        title="How many seeds each arm was given, and why",
        short="Seeds",
        text=(rule, numbers),
        grids=(
            Grid(
                head="Arm",
                columns=("seeds", "why"),
                rows=tuple((arm.arm, ((str(arm.seeds), ""), ("", arm.why))) for arm in added.arms),
            ),
        ),
    )
