"""The laws of allocation, on any grid and budget."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from relevance_scenes import grid_tokens

from relevance_allocator import (
    allocate_levels,
    allocate_top_k,
    apply_allocation,
    kept_detail,
    oracle_allocation,
    region_coverage,
    spread_order,
)
from token_budget import reduce_tokens, visual_tokens

GRIDS = st.tuples(st.integers(1, 11), st.integers(1, 11))


def ceil(number, divisor):
    return -(-number // divisor)


@st.composite
def problems(draw, batch=2):
    """Relevance with many ties, a grid, whether every block is covered, and a budget that can be met."""
    grid = draw(GRIDS)
    cover = draw(st.booleans())
    seed, steps = draw(st.integers(0, 2**31)), draw(st.sampled_from([2, 5, 1000]))
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randint(0, steps, (batch, grid[0] * grid[1]), generator=generator) / steps
    least = ceil(grid[0], 4) * ceil(grid[1], 4) if cover else 1
    budgets = torch.tensor([draw(st.integers(least, grid[0] * grid[1])) for _ in range(batch)])
    return relevance, budgets, grid, cover


def given_tokens(allocation):
    return [len(set(row) - {-1}) for row in allocation.cell.tolist()]


@settings(deadline=None, max_examples=150)
@given(problems())
def test_levels_give_the_budget_or_at_most_two_tokens_less(problem):
    relevance, budgets, grid, cover = problem
    allocation = allocate_levels(relevance, budgets, grid, cover=cover)
    assert allocation.achieved.tolist() == given_tokens(allocation)
    assert ((allocation.achieved >= budgets - 2) & (allocation.achieved <= budgets)).all()
    if cover:
        assert (allocation.levels > 0).all()


@settings(deadline=None, max_examples=100)
@given(problems())
def test_levels_conserve_mass_and_put_every_token_where_its_patches_are(problem):
    relevance, budgets, grid, cover = problem
    allocation = allocate_levels(relevance, budgets, grid, cover=cover)
    features = torch.randn(2, grid[0] * grid[1], 3, generator=torch.Generator().manual_seed(1))
    tokens = grid_tokens(features, grid)
    reduced = apply_allocation(tokens, allocation)
    for image in range(2):
        for place in range(int(allocation.achieved[image])):
            members = allocation.cell[image] == place
            patches = members.nonzero().flatten()
            side = int(allocation.levels[image, patches[0]])
            y, x = patches // grid[1], patches % grid[1]
            # A token is a whole square of its level, cut off at the border only, and starts on a multiple of its side.
            assert y.min() % side == 0
            assert x.min() % side == 0
            height, width = min(side, grid[0] - int(y.min())), min(side, grid[1] - int(x.min()))
            assert len(patches) == height * width
            torch.testing.assert_close(reduced.features[image, place], features[image, members].mean(0))
            torch.testing.assert_close(
                reduced.positions[image, place], tokens.positions[image, members].mean(0)
            )
            if reduced.sizes is not None:
                assert reduced.sizes[image, place] == len(patches)
    if cover and reduced.sizes is not None:
        assert (reduced.sizes.sum(1) == grid[0] * grid[1]).all()
    assert reduced.mask.sum(1).tolist() == allocation.achieved.tolist()


@settings(deadline=None, max_examples=200)
@given(problems(batch=1), st.data())
def test_raising_a_patchs_relevance_never_lowers_its_level(problem, data):
    relevance, budgets, grid, cover = problem
    patch = data.draw(st.integers(0, relevance.shape[1] - 1))
    raised = relevance.clone()
    raised[0, patch] += data.draw(st.sampled_from([0.01, 0.3, 2.0]))
    before, after = (
        allocate_levels(scores, budgets, grid, cover=cover).levels[0] for scores in (relevance, raised)
    )
    y, x = patch // grid[1], patch % grid[1]
    same_block = torch.tensor(
        [[r // 4 == y // 4 and c // 4 == x // 4 for c in range(grid[1])] for r in range(grid[0])]
    )

    def detail(levels):  # 0 dropped < 4 < 2 < 1
        return torch.where(levels == 0, 0, 5 - levels)

    assert detail(after)[patch] >= detail(before)[patch]
    # Nor does its block as a whole become coarser, or vanish.
    block = same_block.flatten()
    assert detail(after)[block].max() >= detail(before)[block].max()


@settings(deadline=None, max_examples=50)
@given(problems(batch=3), st.permutations([0, 1, 2]))
def test_a_permutation_of_the_images_permutes_the_result_and_batch_mates_do_not_matter(problem, order):
    relevance, budgets, grid, cover = problem
    for allocate in (
        lambda scores, budget: allocate_levels(scores, budget, grid, cover=cover),
        lambda scores, budget: allocate_top_k(scores, budget, grid=grid),
    ):
        together = allocate(relevance, budgets)
        permuted = allocate(relevance[order], budgets[order])
        for whole, turned in zip(together, permuted, strict=True):
            assert torch.equal(whole[order], turned)
        alone = allocate(relevance[1:2], budgets[1:2])
        for whole, one in zip(together, alone, strict=True):
            assert torch.equal(whole[1:2], one)


def _best_by_hand(relevance, budget, grid):
    """The largest gain of any set of splits within the budget, every set tried."""
    rows, columns = ceil(grid[0], 2), ceil(grid[1], 2)
    quads = {(y, x): [] for y in range(rows) for x in range(columns)}
    for patch, value in enumerate(relevance.tolist()):
        quads[(patch // grid[1] // 2, patch % grid[1] // 2)].append(value)
    gain = {quad: sum(values) / len(values) for quad, values in quads.items()}
    blocks = sorted({(y // 2, x // 2) for y, x in quads})
    best = -1.0
    for split in itertools.product([False, True], repeat=len(blocks)):
        opened = [block for block, is_split in zip(blocks, split, strict=True) if is_split]
        inside = [quad for quad in quads if (quad[0] // 2, quad[1] // 2) in opened]
        left = (budget - len(blocks)) // 3 - len(opened)
        if left < 0:
            continue
        promised = sum(max(gain[q] for q in inside if (q[0] // 2, q[1] // 2) == block) for block in opened)
        best = max(best, promised + sum(sorted((gain[quad] for quad in inside), reverse=True)[:left]))
    return best


@pytest.mark.parametrize("budget", [6, 9, 17, 24, 40, 64, 96])
def test_levels_gain_as_much_as_the_best_of_all_allocations(budget, generator):
    for _ in range(5):
        relevance = torch.rand(1, 96, generator=generator, dtype=torch.float64) ** 3
        levels = allocate_levels(relevance, budget, (8, 12)).levels[0].reshape(8, 12)
        quads = relevance.reshape(4, 2, 6, 2).mean((1, 3))
        split = levels[::2, ::2] == 1
        opened = levels[::4, ::4] < 4
        promised = quads.reshape(2, 2, 3, 2).amax((1, 3))
        gained = quads[split].sum() + promised[opened].sum()
        assert gained.item() == pytest.approx(_best_by_hand(relevance[0], budget, (8, 12)))


@pytest.mark.parametrize("budget", [1, 7, 35])
def test_top_k_keeps_the_tokens_that_token_budget_keeps(budget, generator):
    tokens = grid_tokens(torch.randn(3, 35, 4, generator=generator), (5, 7))
    relevance = torch.rand(3, 35, generator=generator)
    ours = apply_allocation(tokens, allocate_top_k(relevance, budget))
    theirs = reduce_tokens(tokens, budget, method="relevance-top-k", relevance=relevance)
    torch.testing.assert_close(ours.features, theirs.features, rtol=0, atol=0)
    torch.testing.assert_close(ours.positions, theirs.positions, rtol=0, atol=0)


def test_top_k_keeps_another_number_for_each_image_and_never_an_unreal_token(generator):
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    relevance = torch.tensor([[0.1, 0.9, 0.2, 0.8, 0.3, 0.7], [0.1, 0.9, 0.2, 0.8, 5.0, 5.0]])
    allocation = allocate_top_k(relevance, torch.tensor([2, 3]), mask=mask)
    assert allocation.levels.tolist() == [[0, 1, 0, 1, 0, 0], [0, 1, 1, 1, 0, 0]]
    tokens = visual_tokens(torch.arange(12.0).reshape(2, 6, 1), mask=mask)
    reduced = apply_allocation(tokens, allocation)
    assert reduced.features[..., 0].tolist() == [[1, 3, 0], [7, 8, 9]]
    assert reduced.mask.tolist() == [[True, True, False], [True, True, True]]


@settings(deadline=None, max_examples=60)
@given(GRIDS, st.data())
def test_equal_relevance_is_spread_evenly_over_the_image(grid, data):
    order = spread_order(grid)
    assert sorted(order.tolist()) == list(range(grid[0] * grid[1]))
    budget = data.draw(st.integers(1, grid[0] * grid[1]))
    levels = allocate_top_k(torch.full((1, grid[0] * grid[1]), 0.5), budget, grid=grid).levels
    # No half of the image gets more than its share by more than a row or a column of patches' worth.
    half = levels.reshape(grid)[:, : grid[1] // 2]
    expected = budget * (grid[1] // 2) / grid[1]
    assert abs(int(half.sum()) - expected) <= max(grid) + 1


def test_equal_relevance_is_spread_exactly_on_a_grid_of_a_power_of_two():
    flat = torch.full((1, 64), 0.5)
    assert (allocate_top_k(flat, 16, grid=(8, 8)).levels.reshape(4, 2, 4, 2).sum((1, 3)) == 1).all()
    levels = allocate_levels(flat, 16, (8, 8)).levels
    assert (levels == 2).all()  # 16 tokens: all four blocks split once, none preferred


@pytest.mark.parametrize("grid", [(4, 4), (3, 7), (6, 5)])
@pytest.mark.parametrize("cover", [True, False])
def test_oracle_is_the_smallest_allocation_that_keeps_the_regions(grid, cover, generator):
    for _ in range(20):
        left, top = (torch.rand(2, generator=generator) * 0.7).tolist()
        box = (left, top, left + 0.25, top + 0.2)
        wanted = region_coverage([[box]], grid)
        oracle = oracle_allocation([[box]], grid, cover=cover)
        assert kept_detail(oracle, wanted) == 1
        assert oracle.achieved.item() == given_tokens(oracle)[0]
        if cover:
            # The price of detail is the squares that the region touches; nothing smaller holds it.
            touched = wanted.reshape(grid) > 0
            least = 0
            for y, x in itertools.product(range(0, grid[0], 4), range(0, grid[1], 4)):
                block = touched[y : y + 4, x : x + 4]
                quads = [
                    block[i : i + 2, j : j + 2]
                    for i in (0, 2)
                    for j in (0, 2)
                    if block[i : i + 2, j : j + 2].numel()
                ]
                least += sum(q.numel() if q.any() else 1 for q in quads) if block.any() else 1
            assert oracle.achieved.item() == least
        else:
            assert oracle.achieved == (wanted > 0).sum()


def test_region_coverage_is_the_area_that_a_fine_raster_counts(generator):
    boxes = [(0.1, 0.3, 0.55, 0.62), (0.5, 0.0, 1.0, 0.4)]
    fine = torch.zeros(1200, 1400)
    covered = []
    for left, top, right, bottom in boxes:
        one = fine.clone()
        one[round(top * 1200) : round(bottom * 1200), round(left * 1400) : round(right * 1400)] = 1
        covered.append(one.reshape(4, 300, 7, 200).mean((1, 3)))
    expected = torch.stack(covered).amax(0).flatten()
    torch.testing.assert_close(region_coverage([boxes], (4, 7))[0], expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allocate_top_k(torch.zeros(1, 4), 0), "1..4, got 0"),
        (lambda: allocate_top_k(torch.zeros(1, 4), True), "got True"),
        (lambda: allocate_top_k(torch.zeros(1, 4), 5), "1..4, got 5"),
        (lambda: allocate_top_k(torch.zeros(2, 4), torch.tensor([1, 5])), "image 1"),
        (lambda: allocate_top_k(torch.tensor([[0.0, torch.nan]]), 1), "finite"),
        (lambda: allocate_top_k(torch.zeros(1, 4), 2, grid=(3, 1)), "does not hold"),
        (lambda: allocate_levels(torch.zeros(1, 64), 3, (8, 8)), "4..64, got 3"),
        (lambda: allocate_levels(torch.zeros(1, 64), 65, (8, 8)), "4..64, got 65"),
        (lambda: allocate_levels(torch.zeros(1, 64), 0, (8, 8), cover=False), "1..64, got 0"),
        (lambda: allocate_levels(torch.full((1, 64), torch.nan), 9, (8, 8)), "NaN"),
        (lambda: allocate_levels(torch.zeros(1, 64), 9, (8, 9)), "8x9 does not hold 64"),
        (lambda: oracle_allocation([[]], (4, 4), cover=False), "no region"),
        (lambda: region_coverage([[(0.5, 0.0, 0.2, 1.0)]], (4, 4)), "left < right"),
        (lambda: region_coverage([[(0.0, 0.0, 64.0, 64.0)]], (4, 4)), "in 0..1 with"),
        (
            lambda: apply_allocation(
                visual_tokens(torch.zeros(1, 3, 2)), allocate_top_k(torch.zeros(1, 4), 1)
            ),
            "for tokens",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
