"""Evidence that may be looked at after every pair: the e-value of paired 0/1 scores."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse_arrays import paired_vectors
from ablation_stats._result import Tabular
from ablation_stats._student import SMALLEST_P


@dataclass(frozen=True, kw_only=True)
class PairedEvalue(Tabular):
    """Evidence against "both arms are right equally often".

    Attributes:
        b: pairs where only the first arm is right; c: where only the second is.
        e_value: after the last pair; log_e_value: its natural logarithm, where it is too large for a number.
        largest: over all numbers of pairs seen; with counts alone it is the last.
        p_value: 1 / largest, at most 1: valid at any time one chooses to stop.
        n_items: pairs; None for counts alone.
        warnings: what a reader must know.
    """

    b: int
    c: int
    e_value: float
    log_e_value: float
    largest: float
    p_value: float
    n_items: int | None = None
    warnings: tuple[str, ...] = ()


def paired_evalue(b: int, c: int) -> PairedEvalue:
    """The e-value of b and c discordant pairs: Beta(b + 1/2, c + 1/2) / Beta(1/2, 1/2) 2^(b + c).

    A bet on each discordant pair with Jeffreys' mixture over the share of `b`, against an even one (Krichevsky and
    Trofimov 1981; Ramdas et al. 2023, arXiv 2210.01948). Under no difference its mean is 1 after any number of pairs,
    so 1 / alpha is exceeded at any time with probability alpha at most. Pairs must be independent: one seed, one
    item per cluster.

    Args:
        b: pairs where only the first arm is right.
        c: pairs where only the second arm is right.

    Raises:
        ValueError: a count below 0 or not whole.

    >>> round(paired_evalue(12, 4).e_value, 4)
    1.587
    """
    if min(b, c) < 0 or int(b) != b or int(c) != c:
        raise ValueError(f"b and c must be whole numbers of at least 0, got {b} and {c}")
    log_e = float(_log_evalues(np.array([float(b)]), np.array([float(c)]))[0])
    return _result(int(b), int(c), log_e, log_e, None)


def paired_evalue_sequence(a: ArrayLike, b: ArrayLike) -> PairedEvalue:
    """The e-value of 0/1 scores of two arms on the same items, in the order in which they came.

    Args:
        a: scores of the first arm, 0 or 1.
        b: scores of the second, paired by position.

    Raises:
        ValueError: scores other than 0 and 1, unequal lengths, no pair.

    >>> round(paired_evalue_sequence([1, 1, 1, 1, 0], [0, 0, 0, 0, 1]).largest, 3)
    4.375
    """
    first, second = paired_vectors(a, b, least=1)
    if not np.isin(np.concatenate([first, second]), (0.0, 1.0)).all():
        raise ValueError("an e-value of paired shares needs scores that are all 0 or 1")
    only_first, only_second = np.cumsum(first > second), np.cumsum(second > first)
    log_e = _log_evalues(only_first.astype(np.float64), only_second.astype(np.float64))
    return _result(
        int(only_first[-1]), int(only_second[-1]), float(log_e[-1]), float(log_e.max()), first.size
    )


def _log_evalues(b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import betaln

    return np.asarray(betaln(b + 0.5, c + 0.5) - betaln(0.5, 0.5) + (b + c) * math.log(2))


def _result(b: int, c: int, last: float, largest: float, n_items: int | None) -> PairedEvalue:
    said = ("No pair is discordant: there is nothing to bet on.",) if b + c == 0 else ()
    return PairedEvalue(
        b=b,
        c=c,
        e_value=_exp(last),
        log_e_value=last,
        largest=_exp(max(largest, 0.0)),
        p_value=max(SMALLEST_P, min(1.0, math.exp(-max(largest, 0.0)))),
        n_items=n_items,
        warnings=said,
    )


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf
