"""The laws that hold for every reducer of the registry to which they apply; a new method is tested by existing."""

import pytest
import torch
from hypothesis import given, settings
from token_budget_cases import cases, kept, real, rows, same, same_image

from token_budget._options import METHODS
from token_budget._visual_tokens import VisualTokens


def exact_count(case):
    assert torch.equal(case.run().mask.sum(1), case.budgets)


def no_silent_clamp(case):
    for wrong in (case.budgets * 0, case.budgets * 0 - 1, case.counts() + 1):
        with pytest.raises(ValueError, match=r"budget must be in 1\.\.\d+"):
            case.run(budgets=wrong)


def full_budget_is_the_identity(case):
    assert case.run(budgets=case.counts()) is case.tokens


def partly_full_budget_keeps_every_token(case):
    budgets = case.budgets.clone()
    budgets[0] = case.counts()[0]
    out, expected = case.run(budgets=budgets), case.tokens.features[0][case.tokens.mask[0]]
    torch.testing.assert_close(out.features[0][out.mask[0]], expected)


def padding_holds_zeros(case):
    out = case.run()
    if out is case.tokens:  # what the caller put there stays
        return
    for field in (out.features, out.positions, out.sizes, *out.extras.values()):
        assert field[~out.mask].abs().sum() == 0


def batch_mates_change_nothing(case):
    together = case.run()
    last = len(case.budgets) - 1
    # Only the last image stays; random draws depend on the place in the batch, so the place stays too.
    others = case.tokens.features.clone()
    others[:last] = 7.0
    relevance = case.relevance.clone()
    relevance[:last] = torch.linspace(-50, 900, relevance.shape[1])
    same_image(together, last, case.run(case.tokens._replace(features=others), relevance=relevance), last)
    if "generator" not in case.facts.needs:
        alone = case.run(rows(case.tokens, [last]), case.budgets[last:], case.relevance[last:])
        same_image(together, last, alone, 0)


def masked_tokens_count_for_nothing(case):
    hidden = ~case.tokens.mask
    loud = case.tokens._replace(
        features=case.tokens.features.masked_fill(hidden[..., None], torch.nan),
        sizes=case.tokens.sizes.masked_fill(hidden, 1e6),
        extras={
            "attention": case.tokens.extras["attention"].masked_fill(hidden, 1e6),
            "keys": case.tokens.extras["keys"].masked_fill(hidden[..., None, None], torch.inf),
            "index": case.tokens.extras["index"],
        },
    )
    same(real(case.run()), real(case.run(loud, relevance=case.relevance.masked_fill(hidden, torch.nan))))


def same_seed_gives_the_same_tokens(case):
    same(case.run(), case.run(), rtol=0, atol=0)


def bfloat16_decides_as_float32_does(case):
    def rounded(tensor):
        return tensor.bfloat16()

    extras = {name: rounded(extra) for name, extra in case.tokens.extras.items()}
    low = case.tokens._replace(features=rounded(case.tokens.features), extras=extras)
    high = low._replace(
        features=low.features.float(), extras={name: extra.float() for name, extra in extras.items()}
    )
    relevance = rounded(case.relevance)
    out, expected = case.run(low, relevance=relevance), case.run(high, relevance=relevance.float())
    assert out.features.dtype == torch.bfloat16
    torch.testing.assert_close(out.sizes, expected.sizes)
    torch.testing.assert_close(out.features.float(), expected.features, rtol=1e-2, atol=1e-2)


def autocast_decides_as_float32_does(case):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = case.run()
    same(inside, case.run(), rtol=0, atol=0)


def gradients_reach_what_is_kept(case):
    features = case.tokens.features.clone().requires_grad_()
    out = case.run(case.tokens._replace(features=features))
    out.features[out.mask].sum().backward()
    reached = features.grad.abs().sum(2) > 0
    assert not reached[~case.tokens.mask].any()
    if case.facts.selects:
        assert [row.nonzero()[:, 0].tolist() for row in reached] == kept(out)
    else:
        assert (reached.sum(1) >= case.budgets).all()
    if case.facts.conserves:
        assert torch.equal(reached, case.tokens.mask)


def kept_tokens_stand_in_order_with_all_that_is_known_of_them(case):
    out = case.run()
    for image, indices in enumerate(kept(out)):
        assert indices == sorted(set(indices))
        places = out.mask[image]
        for after, before in zip(
            (out.features, out.positions, out.sizes, *out.extras.values()),
            (case.tokens.features, case.tokens.positions, case.tokens.sizes, *case.tokens.extras.values()),
            strict=True,
        ):
            assert torch.equal(after[image][places], before[image][indices])


def mass_and_weighted_mean_are_conserved(case):
    out = case.run()

    def mass_and_mean(tokens):
        sizes = tokens.sizes * tokens.mask
        return sizes.sum(1), (tokens.features * sizes[..., None]).sum(1)

    for after, before in zip(mass_and_mean(out), mass_and_mean(case.tokens), strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def permuting_tokens_permutes_the_kept_ones(case):
    order = torch.randperm(case.tokens.mask.shape[1], generator=torch.Generator().manual_seed(case.seed))
    fields = [None if field is None else field[:, order] for field in case.tokens[:4]]
    extras = {name: extra[:, order] for name, extra in case.tokens.extras.items()}
    permuted = VisualTokens(*fields, case.tokens.grids, None, extras)
    out = case.run(permuted, relevance=case.relevance[:, order])
    assert [sorted(row) for row in kept(out)] == kept(case.run())


def smaller_budgets_are_nested(case):
    larger = torch.minimum(case.budgets + 2, case.counts())
    for few, many in zip(kept(case.run()), kept(case.run(budgets=larger)), strict=True):
        assert set(few) <= set(many)


def planted_token_is_kept_and_dropped_when_the_score_is_inverted(case):
    planted = torch.tensor([row.nonzero()[-1].item() for row in case.tokens.mask])
    batch = torch.arange(len(planted))

    def out(best):
        # Scores of 1..2 with one far above or, inverted, far below them.
        scores = 1 + case.relevance.sigmoid()
        scores[batch, planted] = 9.0 if best else 1e-3
        extras = case.tokens.extras | {"attention": scores}
        return case.run(case.tokens._replace(extras=extras), relevance=scores)

    def holds(tokens, image):
        feature = case.tokens.features[image, planted[image]]
        return bool(torch.isclose(tokens.features[image], feature).all(1).any())

    kept_one, dropped_one = out(True), out(False)
    for image in batch.tolist():
        assert holds(kept_one, image)
        if case.facts.drops_worst and case.budgets[image] < case.counts()[image]:
            assert not holds(dropped_one, image)


ALWAYS = (
    exact_count,
    no_silent_clamp,
    full_budget_is_the_identity,
    partly_full_budget_keeps_every_token,
    padding_holds_zeros,
    batch_mates_change_nothing,
    masked_tokens_count_for_nothing,
    same_seed_gives_the_same_tokens,
    bfloat16_decides_as_float32_does,
    autocast_decides_as_float32_does,
    gradients_reach_what_is_kept,
)
WHERE = {
    kept_tokens_stand_in_order_with_all_that_is_known_of_them: lambda facts: facts.selects,
    mass_and_weighted_mean_are_conserved: lambda facts: facts.conserves,
    permuting_tokens_permutes_the_kept_ones: lambda facts: facts.equivariant,
    smaller_budgets_are_nested: lambda facts: facts.nested,
    planted_token_is_kept_and_dropped_when_the_score_is_inverted: lambda facts: facts.score is not None,
}
APPLIES = [
    pytest.param(method, law, id=f"{method}-{law.__name__}")
    for method, kind in sorted(METHODS.items())
    for law in (*ALWAYS, *(law for law, where in WHERE.items() if where(kind.facts)))
]


@pytest.mark.parametrize(("method", "law"), APPLIES)
def test_law(method, law):
    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(case=cases(method))
    def holds(case):
        law(case)

    holds()


def test_every_law_meets_a_method():
    met = {param.values[1] for param in APPLIES}
    assert met == {*ALWAYS, *WHERE}
