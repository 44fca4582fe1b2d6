"""Every arm's paired difference to the baseline, as trained or under a condition."""

import ablation_stats as stats
from ablation_runner.plan import tested_name
from ablation_runner.running.prepared import Prepared
from ablation_runner.study import AS_TRAINED


def differences_to(
    cube: stats.PairedCube | None, prepared: Prepared, condition: str = AS_TRAINED
) -> dict[str, stats.Estimate]:
    """Tested name to difference from the baseline under the same condition.

    Empty with fewer than two seeds, unless one checkpoint is tested.

    Args:
        cube: scores of the condition; None where there are none.
        prepared: the study.
        condition: that all are tested under.
    """
    baseline, *others = (tested_name(arm.name, condition) for arm in prepared.arms)
    target = prepared.study.generalizes_to
    if cube is None or baseline not in cube.arms or len(cube.seeds) < (1 if target == "items" else 2):
        return {}
    found = [arm for arm in others if arm in cube.arms]
    blind = tested_name(prepared.blind, condition) if prepared.blind else None
    # The control is no question of the study, so the others' p-values are not adjusted for it.
    families = [[arm for arm in found if arm != blind], [arm for arm in found if arm == blind]]
    return {
        str(difference.arm): difference
        for family in families
        if family
        for difference in stats.paired_differences(
            cube, baseline=baseline, arms=family, adjust="holm", generalize_to=target
        )
    }
