"""Images of any shape for the laws of the reducers, and how two results are compared."""

from dataclasses import dataclass

import torch
from hypothesis import strategies as st

from token_budget import reduce_tokens, visual_tokens
from token_budget._grid_shape import coarser_grid
from token_budget._options import METHODS
from token_budget._visual_tokens import VisualTokens

DIM = 12


@dataclass
class Case:
    """Images with grids of their own, padding in between, and all that any method may ask for."""

    method: str
    tokens: VisualTokens
    relevance: torch.Tensor
    budgets: torch.Tensor
    seed: int

    @property
    def facts(self):
        return METHODS[self.method].facts

    def counts(self):
        return self.tokens.mask.sum(1)

    def run(self, tokens=None, budgets=None, relevance=None):
        return reduce_tokens(
            self.tokens if tokens is None else tokens,
            self.budgets if budgets is None else budgets,
            method=self.method,
            relevance=self.relevance if relevance is None else relevance,
            generator=torch.Generator().manual_seed(self.seed),
        )


def fitting(method, grid):
    """Budgets that the method can reach on the grid."""
    found = []
    for budget in range(1, grid[0] * grid[1] + 1):
        try:
            if "grid" in METHODS[method].facts.needs:
                coarser_grid(grid, budget)
            found.append(budget)
        except ValueError:
            continue
    return found


@st.composite
def cases(draw, method):
    side = st.integers(1, 5)
    grids = draw(st.lists(st.tuples(side, side), min_size=1, max_size=3))
    width = max(rows * columns for rows, columns in grids) + draw(st.integers(0, 3))
    seed = draw(st.integers(0, 2**31))
    g = torch.Generator().manual_seed(seed)
    mask = torch.zeros(len(grids), width, dtype=torch.bool)
    for row, (rows, columns) in enumerate(grids):
        mask[row, torch.randperm(width, generator=g)[: rows * columns]] = True

    def values(*shape):
        return torch.randn(*mask.shape, *shape, generator=g)

    tokens = visual_tokens(
        values(DIM),
        mask=mask,
        positions=torch.rand(*mask.shape, 2, generator=g),
        sizes=torch.randint(1, 4, mask.shape, generator=g).float(),
        grids=torch.tensor(grids),
        extras={
            "attention": values().abs() + 0.01,
            "keys": values(3, 6),
            "index": torch.arange(float(width)).expand(*mask.shape).clone(),
        },
    )
    budgets = torch.tensor([draw(st.sampled_from(fitting(method, grid))) for grid in grids])
    return Case(method, tokens, values(), budgets, seed)


def kept(tokens):
    """Original indices of the real tokens of each image."""
    return [
        index[mask].long().tolist() for index, mask in zip(tokens.extras["index"], tokens.mask, strict=True)
    ]


def same(a, b, **tolerance):
    for x, y in zip(a[:5], b[:5], strict=True):
        torch.testing.assert_close(x, y, **tolerance)
    for name in a.extras:
        torch.testing.assert_close(a.extras[name], b.extras[name], **tolerance)


def real(tokens):
    """The fields with zeros wherever the mask is false."""

    def blank(field):
        return field.masked_fill(~tokens.mask.reshape(*tokens.mask.shape, *[1] * (field.ndim - 2)), 0)

    fields = [None if field is None else blank(field) for field in tokens[:4]]
    return VisualTokens(*fields, *tokens[4:6], {name: blank(extra) for name, extra in tokens.extras.items()})


def same_image(a, image, b, other):
    """Image `image` of a has the same real tokens as image `other` of b, however wide the batches are."""
    for x, y in zip((*a[:4], *a.extras.values()), (*b[:4], *b.extras.values()), strict=True):
        if x is not None:
            torch.testing.assert_close(x[image][a.mask[image]], y[other][b.mask[other]])


def rows(tokens, chosen):
    fields = [None if field is None else field[chosen] for field in tokens[:6]]
    return VisualTokens(*fields, {name: extra[chosen] for name, extra in tokens.extras.items()})
