"""The pictures that the report shows, of a study that is trained here or by a command."""

from collections.abc import Callable

from PIL import Image

from ablation_runner.study import Study, TrainedStudy
from vlm_tasks import create_task


def pictures_of(study: Study) -> Callable[[str], Image.Image]:
    """The picture of an image id; the images of a command are not known here, so each is a `KeyError`."""
    if isinstance(study, TrainedStudy):
        task = study.baseline.data.task
        return create_task(task.name, **task.options()).image
    return _no_picture


def _no_picture(image: str) -> Image.Image:
    raise KeyError(image)
