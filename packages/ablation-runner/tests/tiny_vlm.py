"""A model of transformers that reads images and writes text, small and random, as a folder."""

from pathlib import Path

CHAT = "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
IMAGE_TOKENS = 16  # a grid of 4 × 4 patches


def save_vlm(folder: Path, *, seed: int = 0, chat: str | None = CHAT) -> Path:
    """A LLaVA of 32 px with the words of easy-VQA; gives the folder."""
    import torch  # only here, as every test of the package imports this file
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    from vlm_fusion import build_tokenizer
    from vlm_tasks import create_task, format_prompt

    items = create_task("easy-vqa").items("train")
    prompts = [format_prompt("short-answer", question) for question in items["question"].unique()]
    tokenizer = build_tokenizer(sorted([*prompts, *items["answers"].explode().unique()]))
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    image = tokenizer.convert_tokens_to_ids("<image>")
    pixels = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        image_processor=pixels,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat,
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=32, patch_size=8),
        text_config=LlamaConfig(**sizes, **words, vocab_size=len(tokenizer), initializer_range=0.5),
        image_token_id=image,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
