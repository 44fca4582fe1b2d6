"""The tasks of a study as a plan looks at them: each is made once, and each of its splits drawn once, for all arms."""

from functools import cache
from typing import TYPE_CHECKING

from ablation_runner.study import Data, Variant

if TYPE_CHECKING:
    import polars as pl

    from vlm_tasks import Task


def task_of(data: Data) -> "Task":
    """The task that arms learn.

    Args:
        data: names it.
    """
    return _task(data.task.model_dump_json())


def items_of(data: Data, split: str) -> "pl.DataFrame":
    """The items of a split that are used.

    Args:
        data: names the task, and says how many are used.
        split: "train", "validation" or "test".
    """
    items = _items(data.task.model_dump_json(), split)
    return items if data.limit is None else items.head(data.limit)


@cache
def _task(named: str) -> "Task":
    from vlm_tasks import create_task

    task = Variant.model_validate_json(named)
    return create_task(task.name, **task.options())


@cache
def _items(named: str, split: str) -> "pl.DataFrame":
    return _task(named).items(split)
