"""Random-intercept model by profiled REML or ML: one pass over group sums per step, whatever the rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import require_known
from ablation_stats._refuse_arrays import finite_vector, label_codes
from ablation_stats._result import Tabular

Vector = NDArray[np.float64]

# Share of the squares below which what is left is rounding.
NO_RESIDUAL = 1e-13


@dataclass(frozen=True, kw_only=True)
class RandomIntercept(Tabular):
    """A fitted model y = X beta + intercept of the group + residual.

    Attributes:
        coefficients: fixed effects, in the order of the columns; se: their standard errors.
        sd_group: standard deviation of the intercepts, 0 where the fit is singular; sd_residual: of the residuals.
        icc: share of the variance that lies between groups.
        log_likelihood: at the optimum, restricted for REML.
        n_rows: observations; n_groups: groups; method: "REML" or "ML".
        warnings: what a reader must know.
    """

    coefficients: tuple[float, ...]
    se: tuple[float, ...]
    sd_group: float
    sd_residual: float
    icc: float
    log_likelihood: float
    n_rows: int
    n_groups: int
    method: str
    warnings: tuple[str, ...] = ()


def random_intercept(
    y: ArrayLike, group: ArrayLike, *, x: ArrayLike | None = None, method: str = "REML"
) -> RandomIntercept:
    """Fit a random-intercept model.

    Args:
        y: observations.
        group: label of each observation's group.
        x: columns of fixed effects besides the intercept, `[rows, columns]`.
        method: "REML" or "ML".

    Raises:
        ValueError: unequal lengths, values not finite, fewer than two groups, no group with two rows, columns that
            are not independent.

    >>> fit = random_intercept([1.0, 1.2, 3.0, 3.1, 2.0, 2.4], ["a", "a", "b", "b", "c", "c"])
    >>> round(fit.coefficients[0], 4)
    2.1167
    """
    require_known(method, ("REML", "ML"), what="method")
    observed = finite_vector(y, what="y", least=3)
    codes = label_codes(group, observed.size, what="group")
    columns = np.ones((observed.size, 1))
    if x is not None:
        extra = np.asarray(x, dtype=np.float64).reshape(observed.size, -1)
        if not np.isfinite(extra).all():
            raise ValueError("x must be finite")
        columns = np.column_stack([columns, extra])
    return fit_groups(observed, codes, columns, method)


def fit_groups(y: Vector, codes: NDArray[np.int64], columns: Vector, method: str) -> RandomIntercept:
    """The model on dense group codes and all columns, the intercept's among them.

    Raises:
        ValueError: too few groups or rows, or columns that depend on each other.
    """
    groups = int(codes.max()) + 1
    n, p = columns.shape
    if groups < 2 or groups >= n:
        raise ValueError(
            f"a random intercept needs at least 2 groups and a group of 2 rows, got {groups} of {n} rows"
        )
    if np.linalg.matrix_rank(columns) < p:
        raise ValueError(
            "the columns of x must be independent of each other and of the intercept: not identifiable"
        )
    if float(np.ptp(y)) == 0.0:
        raise ValueError("y is the same in every row: the model is not identifiable")
    shift = float(y.mean())
    centred = y - shift
    sizes = np.bincount(codes, minlength=groups).astype(np.float64)
    sum_y = np.bincount(codes, weights=centred, minlength=groups)
    sum_x = np.stack([np.bincount(codes, weights=column, minlength=groups) for column in columns.T])
    xx, xy, yy = columns.T @ columns, columns.T @ centred, float(centred @ centred)
    free = n - p if method == "REML" else n

    def solve(ratio: float) -> tuple[float, Vector, Vector, float]:
        """Criterion, coefficients, (X'V^-1 X) and residual sum at one ratio of variances."""
        weight = ratio / (1 + sizes * ratio)
        a = xx - (sum_x * weight) @ sum_x.T
        b = xy - sum_x @ (weight * sum_y)
        beta = np.asarray(np.linalg.solve(a, b), dtype=np.float64)
        rest = max(yy - float(weight @ (sum_y * sum_y)) - float(b @ beta), 1e-300)
        value = free * np.log(rest) + float(np.log1p(sizes * ratio).sum())
        if method == "REML":
            value += float(np.linalg.slogdet(a)[1])
        return value / 2, beta, a, rest

    log_ratio = _minimise(lambda at: solve(float(np.exp(at)))[0])
    ratio = float(np.exp(log_ratio))
    singular = solve(0.0)[0] <= solve(ratio)[0] + 1e-12
    ratio = 0.0 if singular else ratio
    value, beta, a, rest = solve(ratio)
    variance = rest / free
    if rest <= NO_RESIDUAL * yy:
        raise ValueError("the columns and groups leave no residual: the model is not identifiable")
    beta = beta.copy()
    beta[0] += shift
    constant = free / 2 * (1 + np.log(2 * np.pi / free))
    said = ("Singular fit: the groups vary no more than their members; the intercepts' spread is 0.",)
    return RandomIntercept(
        coefficients=tuple(beta.tolist()),
        se=tuple(np.sqrt(variance * np.diag(np.linalg.inv(a))).tolist()),
        sd_group=(ratio * variance) ** 0.5,
        sd_residual=variance**0.5,
        icc=ratio / (1 + ratio),
        log_likelihood=-value - float(constant),
        n_rows=n,
        n_groups=groups,
        method=method,
        warnings=said if singular else (),
    )


def _minimise(criterion: Any) -> float:
    """The best log ratio of variances: a coarse grid against local minima, then Brent within its neighbours."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(-18.0, 18.0, 25)
    best = int(np.argmin([criterion(at) for at in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(criterion, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return float(found.x)
