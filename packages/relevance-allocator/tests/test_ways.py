"""Planted relevance: the one patch that a way of knowing is about must come first by it, and not by the others."""

import math

import pytest
import torch
from relevance_scenes import grid_tokens
from scipy.stats import rankdata

from relevance_allocator import (
    Participatory,
    Scene,
    calibrate,
    create_way,
    joint_similarity,
    list_ways,
    patch_texture,
    perspectival,
    propositional,
    query_tokens,
)
from token_budget import visual_tokens

GRID = (6, 8)
PLANTED = 2 * 8 + 5


def planted(kind):
    """Grey stripes everywhere; one patch is noise of the same mean (textured), or plain red (salient)."""
    stripes = torch.full((1, 3, 48, 64), 0.4)
    stripes[..., ::2] = 0.6
    patch = stripes[:, :, 16:24, 40:48]
    if kind == "textured":
        levels = torch.linspace(0.4, 0.6, 64)[torch.randperm(64, generator=torch.Generator().manual_seed(1))]
        patch.copy_(levels.reshape(1, 1, 8, 8).expand_as(patch))
    if kind == "salient":
        patch.copy_(torch.tensor([0.9, 0.1, 0.1])[:, None, None].expand(3, 8, 8))
    return stripes


def test_textured_patch_is_first_propositionally():
    texture = patch_texture(planted("textured"), GRID)
    assert propositional(texture).argmax() == PLANTED


def test_salient_patch_is_first_perspectivally_and_not_propositionally():
    texture = patch_texture(planted("salient"), GRID)
    assert perspectival(texture, GRID).argmax() == PLANTED
    # It is plainer than the stripes around it: nothing is said there.
    assert propositional(texture).argmin() == PLANTED


def test_textured_patch_of_the_surrounds_mean_is_not_first_perspectivally_without_edges():
    texture = patch_texture(planted("textured"), GRID, groups=["rgb"])
    contrast = perspectival(texture, GRID)[0]
    assert propositional(texture).argmax() == PLANTED
    # Its mean colour is its surround's: by colour alone nothing stands out there (float noise aside).
    assert contrast[PLANTED] < 0.05


def test_patch_of_the_asked_colour_is_first_participatorily_and_only_for_its_question():
    red, green = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    features = torch.zeros(1, 48, 2)
    features[0, 9], features[0, 30] = red, green
    joint = torch.nn.functional.normalize(features + 0.01, dim=-1)
    tokens = grid_tokens(features, GRID, joint=joint)
    for word, first in ((red, 9), (green, 30)):
        scores = joint_similarity(tokens, query_tokens(word[None, None]))
        assert scores.argmax() == first
        assert joint_similarity(tokens, query_tokens(word[None, None]), opposite=True).argmin() == first
    blind = perspectival(patch_texture(torch.full((1, 3, 48, 64), 0.5), GRID), GRID)
    assert (blind == blind[0, 0]).all()


def _by_the_formula(module, tokens, query, image):
    """One image, one head, one pair at a time."""
    features = module.norm(tokens.features)[image]
    keys = module.key(features).unflatten(-1, (module.heads, -1))
    words = module.query(module.query_norm(query.features[image][query.mask[image]])).unflatten(
        -1, (module.heads, -1)
    )
    scores = []
    for token in range(len(keys)):
        total = 0.0
        for head in range(module.heads):
            matches = [float(word[head] @ keys[token, head]) / math.sqrt(keys.shape[-1]) for word in words]
            total += float(module.weight[head]) * math.log(sum(map(math.exp, matches)) / len(matches))
        scores.append(total)
    return torch.tensor(scores)


def test_participatory_equals_its_formula_and_ignores_padding(generator):
    module = Participatory(6, 5, rank=8, heads=2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.7, 1.3]))
    tokens = visual_tokens(torch.randn(2, 7, 6, generator=generator))
    mask = torch.tensor([[True, True, False], [True, True, True]])
    words = torch.randn(2, 3, 5, generator=generator)
    query = query_tokens(words, mask=mask)
    with torch.no_grad():
        found = module(tokens, query)
        for image in range(2):
            torch.testing.assert_close(found[image], _by_the_formula(module, tokens, query, image))
        words[0, 2] = 100.0  # behind the mask
        torch.testing.assert_close(module(tokens, query_tokens(words, mask=mask)), found)


def test_participatory_hears_words_that_the_mean_cannot_tell_apart(generator):
    module = Participatory(4, 4, rank=8, heads=2)
    tokens = visual_tokens(torch.randn(1, 5, 4, generator=generator))
    one = torch.eye(4)[None, :2]
    mixed = one.mean(1, keepdim=True).expand(1, 2, 4)
    assert not torch.allclose(
        module(tokens, query_tokens(one)), module(tokens, query_tokens(mixed)), atol=1e-4
    )


@pytest.mark.parametrize("method", ["range", "rank"])
def test_calibration_depends_on_the_image_alone(method, generator):
    scores = torch.randn(4, 9, generator=generator) * torch.tensor([1.0, 50.0, 1e-3, 1.0])[:, None]
    mask = torch.rand(4, 9, generator=generator) > 0.3
    mask[:, :2] = True
    together = calibrate(scores, mask, method=method)
    for image in range(4):
        alone = calibrate(scores[image : image + 1], mask[image : image + 1], method=method)[0]
        torch.testing.assert_close(together[image], alone)
        real = together[image][mask[image]]
        assert real.min() == 0
        assert real.max() == 1
        assert (together[image][~mask[image]] == 0).all()
        if method == "rank":
            expected = (rankdata(scores[image][mask[image]].numpy()) - 1) / (mask[image].sum().item() - 1)
            torch.testing.assert_close(real, torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("method", ["range", "rank"])
def test_a_constant_image_is_equally_relevant_everywhere(method):
    texture = patch_texture(torch.full((1, 3, 48, 64), 0.3), GRID)
    for scores in (propositional(texture), perspectival(texture, GRID)):
        assert (calibrate(scores, method=method) == 0.5).all()


def test_every_way_is_made_by_name_and_scores_every_token(generator):
    features = torch.randn(2, 48, 6, generator=generator)
    tokens = grid_tokens(features, GRID, joint=features[..., :5], attention=features[..., :3].softmax(1))
    scene = Scene(
        tokens,
        patch_texture(torch.rand(2, 3, 48, 64, generator=generator), GRID),
        query_tokens(torch.randn(2, 4, 5, generator=generator)),
        [[(0.1, 0.2, 0.5, 0.6)]] * 2,
        generator,
    )
    for name in list_ways():
        scores = create_way(name, dim=6, query_dim=5, texture_channels=13)(scene)
        assert scores.shape == (2, 48)
        assert scores.isfinite().all()


def test_what_a_way_lacks_is_named():
    bare = Scene(visual_tokens(torch.zeros(1, 4, 6)))
    for name, needs in [
        ("propositional", "texture"),
        ("perspectival", "texture and grid"),
        ("class-attention", "attention"),
        ("participatory", "query and texture"),
        ("joint-similarity", "joint and query"),
        ("random", "generator"),
        ("centre", "positions"),
        ("oracle", "grid and regions"),
    ]:
        with pytest.raises(ValueError, match=f"{name}' needs {needs}"):
            create_way(name, dim=6, query_dim=5, texture_channels=13)(bare)


class Brightness:
    """A way of one's own."""

    def __init__(self, *, dim, query_dim, texture_channels, power=1.0):
        self.power = power

    def __call__(self, scene):
        return scene.tokens.features.mean(-1) ** self.power


def test_a_way_of_ones_own_is_named_by_its_module(monkeypatch):
    import sys
    import types

    module = types.ModuleType("own_ways")
    module.Brightness = Brightness
    monkeypatch.setitem(sys.modules, "own_ways", module)
    way = create_way("own_ways:Brightness", {"power": 2.0}, dim=1)
    assert way(Scene(visual_tokens(torch.tensor([[[3.0]]])))).item() == 9.0
    with pytest.raises(ValueError, match="names no way"):
        create_way("own_ways:Darkness", dim=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: query_tokens(torch.zeros(2, 3, 4), mask=torch.tensor([[True] * 3, [False] * 3])),
            r"rows \[1\]",
        ),
        (lambda: query_tokens(torch.zeros(1, 0, 4)), "at least one token"),
        (lambda: query_tokens(torch.full((1, 1, 4), torch.nan)), "finite"),
        (lambda: calibrate(torch.tensor([[0.0, 1.0], [torch.nan, 1.0]])), r"images \[1\]"),
        (lambda: calibrate(torch.zeros(1, 2), method="ranks"), "nearest: 'rank'"),
        (lambda: create_way("propositionel", dim=4), "nearest: 'propositional'"),
        (lambda: create_way("participatory", {"heads": 3}, dim=4, query_dim=4), "heads must divide rank"),
        (lambda: create_way("participatory", dim=4), "query_dim"),
        (lambda: create_way("participatory", dim=4, query_dim=4), "texture_channels"),
        (lambda: create_way("perspectival", {"scales": (1, 0)}, dim=4), "scale must be"),
        (lambda: create_way("participatory", {"depth": 3}, dim=4, query_dim=4), "unknown option"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
