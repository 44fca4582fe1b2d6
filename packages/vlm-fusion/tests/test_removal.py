"""Component removal: what is taken away takes nothing else along."""

from functools import partial

import pytest
import torch
from fusion_helpers import ALL, image_tokens, make_learner, make_model, questions, tokenizer

from token_budget import reduce_tokens
from vlm_fusion import (
    ImageTextModel,
    ObjectiveOptions,
    VisionLanguageModel,
    encode_question,
    list_objectives,
    mask_words,
    pack_questions,
)

HEADS = {
    "contrastive": {"image_projection", "text_projection", "log_scale"},
    "language-modelling": {"word_head"},
    "masked-language-modelling": {"word_head"},
    "matching": {"match_head"},
}


def without(objective: str | None) -> ImageTextModel:
    weights = {name: weight for name, weight in ALL.items() if name != objective}
    return make_learner(weights, options={"negatives": "uniform"})


def losses(model: ImageTextModel) -> dict[str, torch.Tensor]:
    words = tokenizer()
    texts = ["circle", "blue box", "circle", "yes"]
    rows = pack_questions([[encode_question(words, "", text)] for text in texts], pad=0)
    drawer = torch.Generator().manual_seed(1)
    output = model(
        image_tokens(4),
        rows.input_ids,
        rows.attention_mask,
        rows.labels,
        captions=torch.tensor([3, 5, 3, 9]),
        masked=mask_words(rows.input_ids, rows.labels > 4, mask_token=4, vocabulary=15, generator=drawer),
        generator=torch.Generator().manual_seed(0),
    )
    output.loss.backward()
    return dict(output.losses)


@pytest.mark.parametrize("objective", list_objectives())
def test_a_removed_objective_leaves_initial_weights_and_other_losses_as_they_were(objective: str) -> None:
    whole, rest = without(None), without(objective)
    for one, other in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(one, other)
    expected = losses(whole)
    del expected[objective]
    assert losses(rest) == expected


@pytest.mark.parametrize("objective", list_objectives())
def test_an_objective_alone_trains_its_own_head_only(objective: str) -> None:
    model = make_learner({objective: 1.0}, options={"negatives": "uniform"})
    losses(model)
    heads = {name.split(".")[0] for name, weight in model.named_parameters() if weight.grad is not None}
    assert heads == {"trunk", *HEADS[objective]}


def test_without_q_former_the_reducer_gives_as_many_visual_tokens() -> None:
    with_queries, base = make_model("q-former"), make_model("concatenation")
    plain = VisionLanguageModel(
        base.config,
        connector=base.connector,
        language_model=base.language_model,
        reducer=partial(reduce_tokens, budget=4, method="uniform"),
    )
    seen = [model.see(image_tokens(), batch=2).mask for model in (with_queries, plain)]
    assert torch.equal(*seen)
    assert seen[0].shape == (2, 4)


def test_what_objectives_taught_a_trunk_is_in_the_connector() -> None:
    model = make_model("q-former", connector_options={"vocabulary": len(tokenizer())})
    rows = pack_questions(questions(), pad=0)
    before = model(image_tokens(), rows.input_ids, segments=rows.segments).logits.detach()
    learner = ImageTextModel(model.connector.trunk, ObjectiveOptions(weights={"contrastive": 1.0}))
    losses(learner)
    torch.optim.SGD(learner.parameters(), lr=0.1).step()
    after = model(image_tokens(), rows.input_ids, segments=rows.segments).logits
    assert (after - before).abs().max() > 1e-4
