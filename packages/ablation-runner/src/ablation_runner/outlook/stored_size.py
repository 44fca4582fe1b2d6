"""How much is stored of a study's images, on disk, once for all who train on them."""

import json
import math
from functools import cache

from ablation_runner.study import Configuration, Engine


def stored_bytes(configuration: Configuration, engine: Engine) -> int:
    """Bytes of the features that an arm reads, or of the pixels where its encoder is trained.

    Class tokens, textures and attention are left out; beside the patches they weigh little.

    Args:
        configuration: the arm's.
        engine: features have its precision.
    """
    images = _images(configuration.data.task.model_dump_json(), configuration.data.limit)
    if configuration.trains_encoder:
        return images * 3 * math.prod(configuration.encoder.own_spec().image_size)
    specs = [member.own_spec(extras=configuration.extras) for member in configuration.encoder.members]
    return images * (2 if engine.halves else 4) * sum(spec.tokens * spec.width for spec in specs)


@cache
def _images(task: str, limit: int | None) -> int:
    """Images of all splits, of the first `limit` items where that is given."""
    from vlm_tasks import create_task

    options = json.loads(task)
    made = create_task(options.pop("name"), **options)
    splits = ("train", "validation", "test")
    if limit is None:
        return sum(len(made.image_ids(split)) for split in splits)
    return sum(made.items(split).head(limit)["image_id"].n_unique() for split in splits)
