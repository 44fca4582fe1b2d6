"""What an arm's model costs."""

from vlm_fusion import Cost, VisionLanguageModel, count_cost


def answering_cost(model: VisionLanguageModel, *, image_tokens: int, text_tokens: int) -> Cost:
    """The cost of connector and language model, whether features are stored or the encoder is part of the model.

    The encoder is not counted, nor are heads that serve objectives of training.

    Args:
        model: any arm's.
        image_tokens: visual tokens that come in per image.
        text_tokens: words of the text, answer included.
    """
    apart = {name: getattr(model, name) for name in ("encoder", "objectives") if hasattr(model, name)}
    try:
        for name in apart:
            setattr(model, name, None)
        return count_cost(model, image_tokens=image_tokens, text_tokens=text_tokens)
    finally:
        for name, part in apart.items():
            setattr(model, name, part)
