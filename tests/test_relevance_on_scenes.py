"""Recall of the answer's region at a quarter of the tokens, on vlm-tasks' cluttered scenes and questions.

Raw patches are the features and one-hot words the question, so that nothing pretrained helps. Tasks whose regions are all
shapes (where the answer may be *no*) are left out: there is no part of the image that they ask about.
"""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from relevance_allocator import (
    PatchTexture,
    Query,
    RelevanceAllocator,
    Scene,
    allocate_top_k,
    create_allocator,
    fit_allocator,
    fit_weights,
    kept_detail,
    patch_texture,
    query_tokens,
    region_coverage,
    region_loss,
)
from token_budget import VisualTokens, grid_positions, visual_tokens
from vlm_tasks import create_task

TASKS = ("attribute", "spatial", "ocr", "fine-grained")
BLIND = ("propositional", "perspectival")
SIZE, GRID = 96, (12, 12)
BUDGET = 36


class Data(NamedTuple):
    tokens: VisualTokens
    query: Query
    texture: PatchTexture
    wanted: Tensor

    def __getitem__(self, items):
        return Data(
            with_grid(self.tokens.features[items]),
            Query(self.query.features[items], self.query.mask[items]),
            self.texture._replace(means=self.texture.means[items], entropies=self.texture.entropies[items]),
            self.wanted[items],
        )


def with_grid(features):
    positions = grid_positions(*GRID).expand(len(features), -1, -1)
    return visual_tokens(features, grids=torch.tensor([GRID] * len(features)), positions=positions)


def questions(items, vocabulary):
    """One-hot words; what training never asked is no word."""
    texts = [text.lower().replace("?", "").replace(",", "").split() for text in items["question"]]
    longest = max(map(len, texts))
    features = torch.zeros(len(texts), longest, len(vocabulary))
    mask = torch.zeros(len(texts), longest, dtype=torch.bool)
    for item, words in enumerate(texts):
        for place, word in enumerate(words):
            mask[item, place] = True
            if word in vocabulary:
                features[item, place, vocabulary.index(word)] = 1.0
    return query_tokens(features, mask=mask)


def prepared(task, split, vocabulary):
    items, side = task.items(split), SIZE // GRID[0]
    pixels = np.stack([np.asarray(task.image(image)) for image in task.image_ids(split)])
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    patches = torch.nn.functional.unfold(pixels, side, stride=side).transpose(1, 2)
    texture, row = patch_texture(pixels, GRID), {name: row for row, name in enumerate(task.image_ids(split))}
    image = torch.tensor([row[name] for name in items["image_id"]])
    return Data(
        with_grid(patches[image]),
        questions(items, vocabulary),
        texture._replace(means=texture.means[image], entropies=texture.entropies[image]),
        region_coverage(items["regions"].to_list(), GRID),
    )


def loaded(train, validation, test):
    task = create_task(
        "scenes", tasks=TASKS, difficulty="hard", size=SIZE, train=train, validation=validation, test=test
    )
    words = " ".join(task.items("train")["question"]).lower().replace("?", "").replace(",", "").split()
    return [prepared(task, split, sorted(set(words))) for split in ("train", "validation", "test")]


def trained(data, steps):
    """All three ways with opponent processing; the participatory way trained from the regions."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        allocator = create_allocator(
            "opponent-processing",
            dim=data.tokens.features.shape[-1],
            query_dim=data.query.features.shape[-1],
            budget=BUDGET,
        )
    coupling = allocator.knowing.trained["participatory"].coupling
    optimiser = torch.optim.AdamW(coupling.parameters(), lr=3e-3)
    for _ in range(steps):
        batch = data[torch.randint(0, len(data.wanted), (32,), generator=generator)]
        loss = region_loss(coupling(batch.tokens, batch.query, batch.texture), batch.wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return allocator.eval()


@torch.no_grad()
def maps_of(allocator: RelevanceAllocator, data: Data) -> dict[str, Tensor]:
    parts = []
    for first in range(0, len(data.wanted), 200):
        part = data[slice(first, first + 200)]
        parts.append(allocator.knowing(Scene(part.tokens, part.texture, part.query)).maps)
    return {name: torch.cat([one[name] for one in parts]) for name in parts[0]}


def mixed(maps, weights):
    return sum(weight * maps[name] for name, weight in weights.items())


def recalls(allocator, validation, test):
    """Mean recall on the test items of every way, of mixtures, of controls and of the bound; and the fitted weights."""
    generator = torch.Generator().manual_seed(7)
    turned = torch.randperm(len(test.wanted), generator=generator)
    misled = test._replace(query=Query(test.query.features[turned], test.query.mask[turned]))
    maps = maps_of(allocator, test)
    weights = fit_weights(maps_of(allocator, validation), validation.wanted, BUDGET)
    scores = {
        **maps,
        "shuffled": maps_of(allocator, misled)["participatory"],
        "all equally": mixed(maps, dict.fromkeys(maps, 1 / 3)),
        "all as fitted": mixed(maps, weights),
        "random": torch.rand(test.wanted.shape, generator=generator),
        "centre": -(test.tokens.positions - 0.5).norm(dim=-1),
        "oracle": test.wanted,
    }
    kept = {name: allocate_top_k(one, BUDGET, grid=GRID) for name, one in scores.items()}
    return {name: kept_detail(one, test.wanted).mean().item() for name, one in kept.items()}, weights


def check(found):
    best_blind = max(found[name] for name in BLIND)
    assert found["participatory"] >= best_blind + 0.15
    assert found["shuffled"] <= best_blind
    assert found["all as fitted"] >= found["participatory"] - 0.01
    assert found["all as fitted"] > found["all equally"]
    assert found["oracle"] == 1
    assert max(found["random"], found["centre"]) < min(found[name] for name in BLIND)


def test_the_trained_way_beats_the_blind_ones_and_the_balance_of_all_keeps_up_with_it():
    train, validation, test = loaded(150, 50, 75)
    check(recalls(trained(train, steps=200), validation, test)[0])


@pytest.mark.slow
def test_recall_of_every_part_on_more_scenes(capsys):
    train, validation, test = loaded(1500, 300, 400)
    allocator = trained(train, steps=800)
    found, weights = recalls(allocator, validation, test)
    check(found)
    balanced = create_allocator(
        allocator.options,
        dim=train.tokens.features.shape[-1],
        query_dim=train.query.features.shape[-1],
        weighting=tuple(weights.values()),
    ).eval()
    balanced.load_state_dict(allocator.state_dict())
    fitted_on = [train[slice(first, first + 300)] for first in range(0, 3000, 300)]
    fit_allocator(balanced, [Scene(part.tokens, part.texture, part.query) for part in fitted_on])
    with torch.no_grad():
        given = balanced(test.tokens, test.query, texture=test.texture).allocation
    found["opponent processing"] = kept_detail(given, test.wanted).mean().item()
    share = given.achieved.double().mean().item() / BUDGET
    with capsys.disabled():
        rounded = {name: round(value, 3) for name, value in found.items()}
        print(
            f"\nrecall at 25 % of the tokens: {rounded}; weights {weights}; opponent processing took {share:.3f}"
        )
    assert share == pytest.approx(1, rel=0.1)  # fitted on other images: reported, and near
    assert found["opponent processing"] > max(found[name] for name in BLIND) + 0.15
