"""Two-level designs smaller than the full factorial, and what each confounds."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablation_stats._design import Design, full_factorial, make_design, require_factors
from ablation_stats._refuse import require_known

Word = frozenset[str]


def fractional_factorial(factors: Mapping[str, Sequence[Any]], generators: Sequence[str]) -> Design:
    """A regular fraction of a two-level factorial: the factors that generators define follow the others.

    Args:
        factors: names with two levels each, the baseline's first.
        generators: one per factor defined, as "d=a*b*c", or "D=ABC" where names are single letters; a minus
            before the product takes the other half.

    Raises:
        ValueError: other than two levels, an unknown factor, a factor defined twice or by one that is defined itself.

    >>> half = fractional_factorial({name: [0, 1] for name in "ABCD"}, ["D=ABC"])
    >>> half.runs.height, resolution(half)
    (8, 4)
    """
    checked = require_factors(factors)
    parsed = [_parse(text, checked) for text in generators]
    if not parsed:
        raise ValueError("generators must define at least one factor; use full_factorial for all runs")
    defined = [name for name, _, _ in parsed]
    if len(set(defined)) != len(defined):
        raise ValueError(f"each factor is defined once, got {defined}")
    for name, _, word in parsed:
        if word & set(defined):
            raise ValueError(
                f"generator of {name!r} must use basic factors only, got {sorted(word & set(defined))}"
            )
    basic = {name: levels for name, levels in checked.items() if name not in defined}
    runs = full_factorial(basic)
    signs = dict(zip(basic, runs.signs().T, strict=True))
    for name, sign, word in parsed:
        signs[name] = sign * np.prod([signs[each] for each in word], axis=0)
    cells = [
        tuple(checked[name][int(signs[name][row] > 0)] for name in checked) for row in range(runs.runs.height)
    ]
    texts = [f"{name}={'-' if sign < 0 else ''}{'*'.join(sorted(word))}" for name, sign, word in parsed]
    return make_design("fractional factorial", checked, cells, generators=texts)


def _parse(text: str, factors: Mapping[str, Any]) -> tuple[str, float, Word]:
    left, equals, right = (part.strip() for part in text.partition("="))
    if not equals:
        raise ValueError(f'a generator must read like "D=A*B*C", got {text!r}')
    sign = -1.0 if right.startswith("-") else 1.0
    right = right.lstrip("+-").strip()
    parts = [part.strip() for part in right.split("*")] if "*" in right or right in factors else list(right)
    for name in (left, *parts):
        require_known(name, tuple(factors), what=f"factor in generator {text!r}")
    if len(set(parts)) != len(parts) or len(parts) < 2:
        raise ValueError(f"a generator must multiply at least 2 different factors, got {text!r}")
    return left, sign, frozenset(parts)


def defining_words(design: Design) -> dict[Word, float]:
    """The words of the defining relation with their signs: every product of the generators' words.

    Raises:
        ValueError: the design has no generators.
    """
    if not design.generators:
        raise ValueError(
            f"a {design.kind} design has no generators; check_design says what its effects are mixed with"
        )
    words = [(_parse(text, design.factors)) for text in design.generators]
    found: dict[Word, float] = {}
    for count in range(1, len(words) + 1):
        for some in itertools.combinations(words, count):
            word: Word = frozenset()
            sign = 1.0
            for name, each, product in some:
                word, sign = word ^ product ^ {name}, sign * each
            found[word] = sign
    return found


def resolution(design: Design) -> int:
    """Length of the shortest word of the defining relation: 3, 4 or 5 for resolution III, IV, V.

    Raises:
        ValueError: the design has no generators.
    """
    return min(len(word) for word in defining_words(design))


def alias_table(design: Design, *, max_order: int = 2) -> pl.DataFrame:
    """Every effect up to `max_order` factors with the effects it cannot be told from, all orders.

    Args:
        design: a fractional factorial.
        max_order: largest number of factors in an effect listed, at least 1.

    Raises:
        ValueError: the design has no generators, or max_order below 1.
    """
    if max_order < 1:
        raise ValueError(f"max_order must be at least 1, got {max_order}")
    words = defining_words(design)
    rows = []
    for order in range(1, max_order + 1):
        for effect in itertools.combinations(design.factors, order):
            aliases = sorted(
                ((frozenset(effect) ^ word, sign) for word, sign in words.items()),
                key=lambda each: (len(each[0]), sorted(each[0])),
            )
            texts = [("-" if sign < 0 else "") + effect_name(word, design) for word, sign in aliases]
            rows.append({"effect": ":".join(effect), "order": order, "aliases": texts})
    return pl.DataFrame(rows, schema={"effect": pl.String, "order": pl.Int64, "aliases": pl.List(pl.String)})


def effect_name(word: Word, design: Design) -> str:
    """Factors of an effect in the design's order, joined by colons; "1" for the mean."""
    return ":".join(name for name in design.factors if name in word) or "1"


def plackett_burman(factors: Mapping[str, Sequence[Any]]) -> Design:
    """The smallest Plackett-Burman design that holds the factors: main effects clear of each other.

    Each main effect is partly mixed with every interaction of two other factors: a screening design.

    Args:
        factors: names with two levels each, the baseline's first; 47 at most.

    Raises:
        ValueError: other than two levels, or too many factors.
    """
    checked = require_factors(factors)
    for name, levels in checked.items():
        if len(levels) != 2:
            raise ValueError(f"factor {name!r} must have 2 levels here, got {len(levels)}: {levels}")
    size = next((size for size in HADAMARD if size > len(checked)), None)
    if size is None:
        raise ValueError(
            f"Plackett-Burman designs here hold at most {max(HADAMARD) - 1} factors, got {len(checked)}"
        )
    signs = _hadamard(size)[:, 1 : len(checked) + 1]
    cells = [
        tuple(levels[int(sign > 0)] for levels, sign in zip(checked.values(), row, strict=True))
        for row in signs
    ]
    return make_design("Plackett-Burman", checked, cells)


# Sizes of the designs: Paley's (a prime of 3 mod 4, plus 1) or twice a smaller one.
HADAMARD = (4, 8, 12, 16, 20, 24, 32, 40, 44, 48)


def _hadamard(size: int) -> NDArray[np.float64]:
    """A matrix of signs with orthogonal columns, the first all +1."""
    prime = size - 1
    if prime > 1 and all(prime % each for each in range(2, prime)):
        squares = {each * each % prime for each in range(1, prime)}
        row = np.array([1.0 if at == 0 or at in squares else -1.0 for at in range(prime)])
        core = np.stack([np.roll(row, shift) for shift in range(prime)])
        matrix = np.vstack([np.column_stack([np.ones(prime), core]), np.r_[1.0, -np.ones(prime)]])
        return np.asarray(matrix)
    half = _hadamard(size // 2)
    return np.asarray(np.vstack([np.hstack([half, half]), np.hstack([half, -half])]))
