"""Why a trained model gave an image's tokens to where it did, as pictures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from ablation_runner.errors import StudyError, nearest
from ablation_runner.plan import TrainedTrial
from ablation_runner.storage.store import RunFolder
from ablation_runner.trial._allocating import AllocatingModel
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.images import seen_pixels
from ablation_runner.trial.inputs.material import Material, load_material
from ablation_runner.trial.model.weights import checkpoint_model
from ablation_runner.trial.training.stage_weights import stage_model
from relevance_allocator import explain
from vlm_fusion import Question, pack_questions
from vlm_tasks import create_task

Explainer = Callable[[str], dict[str, Image.Image]]  # from a test item's id to pictures by name


def explainer(trial: TrainedTrial, run: RunFolder) -> Explainer:
    """What draws, for a test item and a trained model, each way of knowing, what was kept, and a summary.

    Args:
        trial: a finished one, of an arm with an allocator.
        run: where it is kept.

    Raises:
        StudyError: the arm has no allocator; from what is returned: no such item.
    """
    configuration = trial.configuration
    if configuration.model.allocator is None:
        raise StudyError(
            f"arm {trial.arm!r} has no allocator: every question of an image sees the same tokens"
        )
    precision = trial.engine.precision
    material = load_material(
        configuration, trial.random_seed, run.features, _say_nothing, precision=precision
    )
    tested = (
        checkpoint_model(trial, material)
        if trial.weights
        else stage_model(trial, material, run.stage(trial.stages[-1]))
    )
    model = tested.eval()
    assert isinstance(model, AllocatingModel)
    return partial(_explain, trial=trial, material=material, model=model)


def _explain(
    item: str, *, trial: TrainedTrial, material: Material, model: AllocatingModel
) -> dict[str, Image.Image]:
    configuration, split = trial.configuration, material.splits["test"]
    ids = split.items["item_id"].to_list()
    if item not in ids:
        raise StudyError(f"no test item {item!r}; {nearest(item, ids[:200])}")
    index = ids.index(item)
    feed = Feed(material=material, reducer=configuration.tokens, seed=trial.random_seed, allocates=True)
    text = pack_questions(
        [[Question(split.questions[index].prompt, [])]], pad=material.tokenizer.pad_token_id
    )
    priced = model.allocator.options.amount == "priced"
    inputs = feed.allocation(
        "test", [index], budget=None if priced else configuration.tokens.budget, draw=item
    )
    scene = model.scene(
        feed.images("test", [split.image_of[index]], model=model), text.input_ids, text.segments > 0, inputs
    )
    return explain(
        model.allocator,
        _seen(configuration, split.images[split.image_of[index]]),
        scene.tokens,
        scene.query,
        texture=scene.texture,
        regions=scene.regions,
        budget=inputs.budget,
        generator=scene.generator,
    )


def save_pictures(pictures: dict[str, Image.Image], folder: Path) -> Path:
    """Writes every picture as a PNG into `folder`; gives the summary's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png")
    return folder / "summary.png"


def _seen(configuration: Any, image: str) -> Any:
    """The image as the encoder saw it, sRGB in 0..1."""
    task = create_task(configuration.data.task.name, **configuration.data.task.options())
    return seen_pixels([task.image(image)], configuration.encoder.own_spec())[0]


def _say_nothing(event: str, **fields: Any) -> None:
    """The features are there already."""
