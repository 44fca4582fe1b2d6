"""Power that is achieved against power that was planned, and the error of looking after every seed. Slow: thousands of studies."""

import numpy as np
import pytest

from ablation_stats import Claim, assumed_components, plan, sequential_boundaries
from ablation_stats._claim_look import p_values
from ablation_stats._claim_power import sides_of
from ablation_stats._contrast import Contrast
from ablation_stats._evidence import weigh

STUDIES = 2500
pytestmark = pytest.mark.slow

# Standard deviations of seed, cluster, item, seed x cluster and residual.
SPREADS = {
    "seeds dominate": (0.1, 0.0, 0.1, 0.0, 0.3),
    "both matter": (0.05, 0.2, 0.3, 0.05, 0.3),
    "items dominate": (0.0, 0.2, 0.3, 0.0, 0.2),
}
MARGIN = 0.2
CLAIMS = {
    "superiority": Claim(text="x", arm="a", baseline="b"),
    "equivalence": Claim(text="x", arm="a", baseline="b", kind="equivalence", margin=MARGIN),
    "non-inferiority": Claim(text="x", arm="a", baseline="b", kind="non-inferiority", margin=MARGIN),
}


def drawn(rng, spread, *, seeds, clusters, per_cluster=3, gain=0.0):
    """The paired differences of one study as a contrast."""
    seed, cluster, item, crossed, residual = spread
    codes = np.repeat(np.arange(clusters), per_cluster)
    scores = gain + seed * rng.normal(size=(seeds, 1)) + cluster * rng.normal(size=clusters)[codes]
    scores = scores + item * rng.normal(size=codes.size) + residual * rng.normal(size=(seeds, codes.size))
    scores = scores + crossed * rng.normal(size=(seeds, clusters))[:, codes]
    return Contrast("a - b", None, "a", "b", scores, codes, clusters, False, 1e-12, ())


@pytest.mark.parametrize("kind", CLAIMS)
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("target", ["both", "items", "seeds"])
@pytest.mark.parametrize("name", SPREADS)
def test_the_power_achieved_is_within_three_points_of_the_power_planned(name, target, seeds, kind):
    seed, cluster, item, crossed, residual = SPREADS[name]
    # Another run of the same models on new items, or of new seeds on the same items, has the rest in its mean.
    spread = (0.0, *SPREADS[name][1:]) if target == "items" else SPREADS[name]
    spread = (seed, 0.0, 0.0, crossed, residual) if target == "seeds" else spread
    components = assumed_components(
        sd_seed=seed,
        sd_cluster=cluster,
        sd_item=item,
        sd_seed_cluster=crossed,
        sd_residual=residual,
        items_per_cluster=3,
    )
    gain = 0.12 if kind == "superiority" else 0.0
    found = plan([CLAIMS[kind]], components, seeds=seeds, items=90, effect=gain, generalize_to=target)[0]
    rng = np.random.default_rng(1)
    won = 0
    for _ in range(STUDIES):
        study = drawn(rng, spread, seeds=seeds, clusters=30, gain=gain)
        won += weigh(CLAIMS[kind], study, generalize_to=target, alpha=0.05).p_for < 0.05
    assert won / STUDIES == pytest.approx(found.power, abs=0.03)


@pytest.mark.parametrize("kind", CLAIMS)
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("target", ["both", "seeds"])
@pytest.mark.parametrize("name", SPREADS)
def test_the_error_of_looking_after_every_seed_stays_within_the_band(name, target, spending, kind):
    """The truth lies on the boundary of the claim, where the error is largest."""
    looks = range(3, 9)
    claim = CLAIMS[kind]
    edge = 0.0 if kind == "superiority" else -MARGIN
    seed, _, _, crossed, residual = SPREADS[name]
    spread = (seed, 0.0, 0.0, crossed, residual) if target == "seeds" else SPREADS[name]
    nominal = sequential_boundaries(looks, spending=spending, sides=sides_of(kind, refuted=False)).nominal
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(STUDIES):
        study = drawn(rng, spread, seeds=8, clusters=30, gain=edge)
        for look, level in zip(looks, nominal, strict=True):
            so_far = study._replace(scores=study.scores[:look])
            found, against = p_values(claim, so_far, target, 0.05)
            p = min(found, against) if kind == "superiority" else found
            if p <= level:
                wrong += 1
                break
    band = 4 * (0.05 * 0.95 / STUDIES) ** 0.5
    assert wrong / STUDIES < 0.05 + band
    if target == "seeds":
        # The t over seeds is exact, and for superiority both sides err.
        assert wrong / STUDIES > 0.05 - band
