"""Which arms were still improving when training stopped, from their validation losses."""

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl

from ablation_stats._claim import Claim
from ablation_stats._finding import Finding
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import sample


def not_converged(
    curves: Any,
    *,
    split: str = "validation",
    look_back: float = 0.2,
    relative: float = 0.05,
    absolute: float = 0.01,
) -> tuple[str, ...]:
    """Arms that were still improving when training stopped, sorted: what `judge` and `audit` take as `not_converged`.

    An arm is one of them where its loss, averaged over its seeds as its score is, fell over the last fifth of the steps
    by more than 5 % and more than 0.01; also where a seed was evaluated too rarely to tell, since nothing shows that it
    had come to rest. Were one falling seed enough, chance alone would make more arms unconverged the more seeds there are.

    Args:
        curves: frame with a row per arm, seed and evaluation: columns `arm`, `step` (at least 0), `loss` (at least 0, in nats
            per token for cross-entropy) and, where there are several, `seed` and `split`.
        split: rows to read, where there is a column `split`.
        look_back: share of the steps looked back from the end, strictly between 0 and 1.
        relative: fall that is accepted, as a share of the loss before, at least 0.
        absolute: fall that is accepted, in the unit of the loss, at least 0.

    Raises:
        ValueError: a missing column, no row of the split, a loss or step that is missing, not finite or negative, two
            losses of one run at one step, a setting outside its range.

    >>> curves = pl.DataFrame({"arm": ["mlp"] * 3 + ["linear"] * 3, "step": [0, 80, 100] * 2,
    ...                        "loss": [2.0, 0.50, 0.49, 2.0, 0.50, 0.40]})
    >>> not_converged(curves)
    ('linear',)
    """
    if not 0 < look_back < 1 or not relative >= 0 or not absolute >= 0:
        raise ValueError(
            "look_back must lie strictly between 0 and 1, relative and absolute must be at least 0, "
            f"got {look_back!r}, {relative!r} and {absolute!r}"
        )
    rows = _checked(curves, split).sort("step")
    early = pl.col("step") <= (1 - look_back) * pl.col("step").max()
    runs = rows.group_by("arm", "seed").agg(
        before=pl.col("loss").filter(early).last(),
        after=pl.col("loss").last(),
        evaluations=pl.col("loss").len(),
    )
    untold = pl.col("before").is_null() | (pl.col("evaluations") < 2)
    arms = runs.group_by("arm").agg(pl.col("before", "after").mean(), untold=untold.any())
    fall = pl.col("before") - pl.col("after")
    falling = (fall > absolute) & (fall > relative * pl.col("before"))
    return tuple(arms.filter(pl.col("untold") | falling)["arm"].sort().to_list())


def convergence_findings(arms: Collection[str], claims: Sequence[Claim]) -> list[Finding]:
    """A finding for each arm that had not converged, with the claims that it touches."""
    found = []
    for arm in sorted(arms):
        touched = [claim.text for claim in claims if arm in (claim.arm, claim.baseline)]
        about = f" Claims touched: {'; '.join(touched)}." if touched else ""
        text = (
            f"{arm} was still improving when training stopped: more training could change its score.{about}"
        )
        found.append(Finding(check="convergence", severity="error", subject=arm, text=text))
    return found


def _checked(curves: Any, split: str) -> pl.DataFrame:
    """The rows of the split, with columns arm, seed, step and loss."""
    lazy = to_lazy(curves)
    names = lazy.collect_schema().names()
    for needed in ("arm", "step", "loss"):
        if needed not in names:
            raise ValueError(f"curves need a column {needed!r}; they have {sample(sorted(names))}")
    seed = pl.col("seed").cast(pl.String) if "seed" in names else pl.lit("0")
    rows = lazy.filter(pl.col("split") == split) if "split" in names else lazy
    table = rows.select(
        pl.col("arm").cast(pl.String),
        seed.alias("seed"),
        pl.col("step").cast(pl.Float64),
        pl.col("loss").cast(pl.Float64),
    ).collect()
    if table.height == 0:
        raise ValueError(f"curves hold no row of split {split!r}")
    bad = table.filter(
        ~pl.all_horizontal(pl.col("step", "loss").is_finite() & (pl.col("step", "loss") >= 0)).fill_null(
            False
        )
        | pl.any_horizontal(pl.col("arm", "seed").is_null())
    )
    if bad.height:
        raise ValueError(
            f"arm, seed, step and loss of a curve must be there, finite and at least 0; not so in {bad.row(0, named=True)}"
        )
    twice = table.filter(table.select("arm", "seed", "step").is_duplicated())
    if twice.height:
        raise ValueError(f"a run has one loss at each step; several are given in {twice.row(0, named=True)}")
    return table
