from ._baselines import blind_baselines as blind_baselines
from ._file_options import FileOptions as FileOptions
from ._file_options import HubOptions as HubOptions
from ._items import Box as Box
from ._items import Item as Item
from ._items import items_frame as items_frame
from ._options import EasyVqaOptions as EasyVqaOptions
from ._options import SceneOptions as SceneOptions
from ._preview import contact_sheet as contact_sheet
from ._prompts import format_prompt as format_prompt
from ._prompts import list_prompts as list_prompts
from ._prompts import prompt_digest as prompt_digest
from ._regions import only_regions as only_regions
from ._resolution import check_resolution as check_resolution
from ._resolution import image_at as image_at
from ._results import read_predictions as read_predictions
from ._results import result_rows as result_rows
from ._results import summary as summary
from ._score import corpus_value as corpus_value
from ._score import list_metrics as list_metrics
from ._score import metric_kind as metric_kind
from ._score import score_predictions as score_predictions
from ._task import Task as Task
from ._task import create_task as create_task
from ._task import list_tasks as list_tasks
from ._task import task_options as task_options
from .metrics._retrieval import RecallScores as RecallScores
from .metrics._retrieval import recall_at_k as recall_at_k
from .scenes._labels import Label as Label
from .scenes._task import Scenes as Scenes

__all__ = [
    "Box",
    "EasyVqaOptions",
    "FileOptions",
    "HubOptions",
    "Item",
    "Label",
    "RecallScores",
    "SceneOptions",
    "Scenes",
    "Task",
    "blind_baselines",
    "check_resolution",
    "contact_sheet",
    "corpus_value",
    "create_task",
    "format_prompt",
    "image_at",
    "items_frame",
    "list_metrics",
    "list_prompts",
    "list_tasks",
    "metric_kind",
    "only_regions",
    "prompt_digest",
    "read_predictions",
    "recall_at_k",
    "result_rows",
    "score_predictions",
    "summary",
    "task_options",
]
