"""Coefficients of the arms' means that give main effects and interactions, with what each is aliased to."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._design import Design


class EffectMatrix(NamedTuple):
    """Effects as contrasts of arm means.

    Attributes:
        names: effects, factors joined by colons; `kinds`: what each is; `aliases`: effects it cannot be told from.
        matrix: coefficients `[effects, arms]`, arms in the design's order.
        arms: names of the arms.
        mixed: further effects with the share of each that the effect holds, as "0.33 b:c"; empty where not looked for.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    matrix: NDArray[np.float64]
    arms: tuple[str, ...]
    mixed: tuple[tuple[str, ...], ...] = ()


def effect_matrix(design: Design, *, max_order: int = 1) -> EffectMatrix:
    """Main effects and interactions of two-level factors: mean at the high level minus mean at the low.

    Effects whose signs agree in every run cannot be told apart and stand as one, named by the simplest, with the
    others as aliases ("-" where the sign is turned). Effects that are only partly mixed are separated by least
    squares, which needs at least as many runs; those of one factor more, which are not, are named in `mixed` where
    every factor is balanced (Plackett-Burman designs).

    Args:
        design: two-level factors.
        max_order: largest number of factors in an effect; aliases are named up to one factor more.

    Raises:
        ValueError: other than two levels, an effect that never varies, or more effects than the runs can separate.
    """
    if not 1 <= max_order <= len(design.factors):
        raise ValueError(f"max_order must lie in 1..{len(design.factors)}, got {max_order}")
    signs = design.signs()
    names = list(design.factors)
    groups: dict[tuple[float, ...], list[tuple[tuple[int, ...], float]]] = {}
    for order in range(1, min(len(names), max_order + 1) + 1):
        for word in itertools.combinations(range(len(names)), order):
            column = np.prod(signs[:, word], axis=1)
            turn = column[0]
            groups.setdefault(tuple(column * turn), []).append((word, float(turn)))
    kept = [group for group in groups.items() if len(group[1][0][0]) <= max_order]
    texts = [_name(words[0][0], names) for _, words in kept]
    for (column, _), text in zip(kept, texts, strict=True):
        if len(set(column)) == 1:
            raise ValueError(f"effect {text} is not identifiable: it has one value in every run")
    columns = np.array([np.array(column) * words[0][1] for column, words in kept]).T
    full = np.column_stack([np.ones(signs.shape[0]), columns])
    if np.linalg.matrix_rank(full) < full.shape[1]:
        raise ValueError(
            f"the {signs.shape[0]} runs cannot separate {full.shape[1] - 1} effects ({', '.join(texts)}) and the mean: "
            "not identifiable; lower max_order or add runs"
        )
    aliases = tuple(
        tuple(("-" if turn != words[0][1] else "") + _name(word, names) for word, turn in words[1:])
        for _, words in kept
    )
    kinds = tuple("main effect" if len(words[0][0]) == 1 else "interaction" for _, words in kept)
    matrix = np.asarray(2.0 * np.linalg.pinv(full)[1:])
    left = [(_name(words[0][0], names), np.array(column) * words[0][1]) for column, words in groups.items()]
    left = (
        [(text, column) for text, column in left if text not in texts]
        if (signs.sum(axis=0) == 0).all()
        else []
    )
    return EffectMatrix(tuple(texts), kinds, aliases, matrix, design.arms, _mixed(matrix, left))


def _mixed(
    matrix: NDArray[np.float64], left: Sequence[tuple[str, NDArray[np.float64]]]
) -> tuple[tuple[str, ...], ...]:
    """How much of each effect left out (name, signs) every effect of the matrix holds."""
    shares = [matrix @ column / 2.0 for _, column in left]
    return tuple(
        tuple(
            f"{share[at]:.2f} {text}"
            for (text, _), share in zip(left, shares, strict=True)
            if abs(share[at]) > 1e-9
        )
        for at in range(matrix.shape[0])
    )


def level_matrix(design: Design) -> EffectMatrix:
    """Every other level of every factor minus its first, each averaged over the other factors, least squares.

    Args:
        design: factors of any number of levels.

    Raises:
        ValueError: the runs cannot separate the levels.
    """
    columns, texts = [], []
    for name, levels in design.factors.items():
        values = design.runs[name].to_list()
        for level in levels[1:]:
            columns.append([float(value == level) for value in values])
            texts.append(f"{name}: {level} - {levels[0]}")
    full = np.column_stack([np.ones(design.runs.height), np.array(columns).T])
    if np.linalg.matrix_rank(full) < full.shape[1]:
        raise ValueError(f"the runs cannot separate the levels ({', '.join(texts)}): not identifiable")
    matrix = np.asarray(np.linalg.pinv(full)[1:])
    none: tuple[tuple[str, ...], ...] = tuple(() for _ in texts)
    return EffectMatrix(tuple(texts), ("main effect",) * len(texts), none, matrix, design.arms)


def _name(word: Sequence[int], names: Sequence[str]) -> str:
    return ":".join(names[at] for at in word)
