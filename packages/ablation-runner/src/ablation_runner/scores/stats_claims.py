"""Claims of a study file as ablation-stats judges them."""

import ablation_stats as stats
from ablation_runner.study import Claim

_KINDS = {
    "better": ("superiority", "better"),
    "worse": ("superiority", "worse"),
    "equivalent": ("equivalence", "better"),
    "not-worse": ("non-inferiority", "better"),
}


def stats_claim(claim: Claim, baseline: str) -> stats.Claim:
    """The claim for ablation-stats.

    Args:
        claim: of the study file.
        baseline: the study's, which the claim is against where it names no other arm.
    """
    kind, expects = _KINDS[claim.kind]
    return stats.Claim(
        text=claim.text,
        arm=claim.arm,
        baseline=claim.against or baseline,
        kind=kind,
        margin=claim.margin,
        expects=expects,
    )
