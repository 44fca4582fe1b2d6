"""What each reducer is called, which options it takes and what it needs. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar

from ._facts import Facts
from ._grid_options import AveragePool, Bilinear, MaxPool
from ._names import import_object, named_options


@dataclass(frozen=True, kw_only=True)
class Random:
    """Tokens drawn without replacement: the control of every selection."""

    facts: ClassVar[Facts] = Facts(needs=("generator",), selects=True, nested=True)


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """Every n/k-th token in raster order."""

    facts: ClassVar[Facts] = Facts(selects=True)


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """The first k tokens; for learned queries that are trained in order (Matryoshka queries)."""

    facts: ClassVar[Facts] = Facts(selects=True, nested=True)


@dataclass(frozen=True, kw_only=True)
class ToMe:
    """Bipartite soft matching in as few rounds as halving allows; compares `extras["keys"]`, else features."""

    facts: ClassVar[Facts] = Facts(conserves=True)


@dataclass(frozen=True, kw_only=True)
class ClsAttention:
    """The tokens to which the class token pays most attention (FasterVLM)."""

    facts: ClassVar[Facts] = Facts(
        needs=("attention",), selects=True, equivariant=True, nested=True, score="attention", drops_worst=True
    )


@dataclass(frozen=True, kw_only=True)
class PruMergePlus:
    """Attention outliers and uniformly spaced tokens, each taking in its nearest dropped tokens.

    Attributes:
        neighbours: dropped tokens that each kept token averages in; fewer where fewer are dropped.
    """

    facts: ClassVar[Facts] = Facts(needs=("attention",))
    neighbours: int = 32

    def __post_init__(self) -> None:
        if self.neighbours < 0:
            raise ValueError(f"neighbours must be at least 0, got {self.neighbours}")


@dataclass(frozen=True, kw_only=True)
class VisionZip:
    """Dominant tokens by attention, the rest merged around uniformly spaced contextual tokens.

    Attributes:
        contextual: share of the budget that is contextual, 0..1; 5/32 gives the paper's 54+10, 108+20, 162+30.
    """

    facts: ClassVar[Facts] = Facts(needs=("attention",), score="attention")
    contextual: float = 5 / 32

    def __post_init__(self) -> None:
        if not 0 <= self.contextual <= 1:
            raise ValueError(f"contextual is a share of the budget, 0..1, got {self.contextual}")


@dataclass(frozen=True, kw_only=True)
class DivPrune:
    """Greedy max-min diversity by cosine distance."""

    facts: ClassVar[Facts] = Facts(selects=True, equivariant=True, nested=True)


@dataclass(frozen=True, kw_only=True)
class CDPruner:
    """Greedy determinant maximisation of similarity conditioned on relevance to the text.

    Attributes:
        opposite: take the tokens *least* similar to the text as relevant (CLIP's dense features point away from it).
    """

    facts: ClassVar[Facts] = Facts(
        needs=("relevance",), selects=True, equivariant=True, nested=True, score="relevance", drops_worst=True
    )
    opposite: bool = False


@dataclass(frozen=True, kw_only=True)
class RelevanceTopK:
    """The most relevant tokens by any score."""

    facts: ClassVar[Facts] = Facts(
        needs=("relevance",), selects=True, equivariant=True, nested=True, score="relevance", drops_worst=True
    )


@dataclass(frozen=True, kw_only=True)
class RelevanceDiverse:
    """Maximal marginal relevance: relevant tokens that are unlike those already kept.

    Attributes:
        trade_off: weight of relevance against novelty, 0..1; 1 is `relevance-top-k`.
    """

    facts: ClassVar[Facts] = Facts(
        needs=("relevance",), selects=True, equivariant=True, nested=True, score="relevance"
    )
    trade_off: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.trade_off <= 1:
            raise ValueError(f"trade_off must be in 0..1, got {self.trade_off}")


METHODS: dict[str, type] = {
    "average-pool": AveragePool,
    "bilinear": Bilinear,
    "cdpruner": CDPruner,
    "cls-attention": ClsAttention,
    "divprune": DivPrune,
    "max-pool": MaxPool,
    "prefix": Prefix,
    "prumerge-plus": PruMergePlus,
    "random": Random,
    "relevance-diverse": RelevanceDiverse,
    "relevance-top-k": RelevanceTopK,
    "tome": ToMe,
    "uniform": Uniform,
    "visionzip": VisionZip,
}


def list_reducers() -> list[str]:
    """Names of all methods of `reduce_tokens`, sorted.

    >>> "tome" in list_reducers()
    True
    """
    return sorted(METHODS)


def reducer_options(method: str, options: Mapping[str, Any] | None = None) -> Any:
    """The checked options of a reducer, without importing torch.

    Args:
        method: a name of `list_reducers()`.
        options: values for the fields of its options; None for the defaults.

    Raises:
        ValueError: no such method, no such option, or a value out of its range.

    >>> reducer_options("average-pool", {"coverage": "area"})
    AveragePool(coverage='area', shape=None)
    """
    return named_options("method", method, METHODS, options)


def reducer_needs(method: str, options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """What a reducer needs beside tokens and budget, as in `Facts.needs`: "grid", "attention", "generator", ...

    A function of your own says it in an attribute `needs`, a tuple; without one it needs nothing.

    Args:
        method: a name of `list_reducers()`, or a function of your own as "package.module:name", which is imported.
        options: values for its options; None for the defaults.

    Raises:
        ValueError: no such method, no such option, or a value out of its range.

    >>> reducer_needs("average-pool")
    ('grid',)
    """
    if ":" not in method:
        needs: tuple[str, ...] = reducer_options(method, options).facts.needs
        return needs
    function = import_object(method)
    try:
        signature(function).bind(None, None, relevance=None, query=None, generator=None, **(options or {}))
    except TypeError as error:
        raise ValueError(
            f"{method!r} is called with (tokens, budgets, relevance=, query=, generator=) and its options: {error}"
        ) from error
    return tuple(getattr(function, "needs", ()))
