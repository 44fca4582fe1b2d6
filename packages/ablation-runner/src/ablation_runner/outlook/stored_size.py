"""How much is stored of a study's images, on disk, once for all who train on them."""

import math

from ablation_runner.outlook.tasks import items_of, task_of
from ablation_runner.study import Configuration, Data, Engine


def stored_bytes(configuration: Configuration, engine: Engine) -> int:
    """Bytes of the features that an arm reads, or of the pixels where its encoder is trained.

    Class tokens, textures and attention are left out; beside the patches they weigh little.

    Args:
        configuration: the arm's.
        engine: features have its precision.
    """
    images = _images(configuration.data)
    if configuration.trains_encoder:
        return images * 3 * math.prod(configuration.encoder.own_spec().image_size)
    specs = [member.own_spec(extras=configuration.extras) for member in configuration.encoder.members]
    return images * (2 if engine.halves else 4) * sum(spec.tokens * spec.width for spec in specs)


def _images(data: Data) -> int:
    splits = ("train", "validation", "test")
    if data.limit is None:
        return sum(len(task_of(data).image_ids(split)) for split in splits)
    return sum(items_of(data, split)["image_id"].n_unique() for split in splits)
