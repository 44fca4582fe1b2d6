"""What a study asks, of which images, and how an answer is taken."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ablation_runner.study._settings import Settings
from ablation_runner.study._variants import Variant, check_known


class Data(Settings):
    """What is asked, and of which images."""

    task: Annotated[
        Variant, Field(description="Task of vlm-tasks: a name, or a table with `name` and its options.")
    ] = Variant(name="easy-vqa")
    prompt: Annotated[str, Field(description="Prompt template of vlm-tasks.")] = "short-answer"
    images: Annotated[
        Literal["paired", "shuffled"], Field(description="Shuffled images make the blind control arm.")
    ] = "paired"
    validation_images: Annotated[
        int, Field(ge=1, description="Validation images whose loss is followed while training.")
    ] = 100
    answers: Annotated[
        Literal["written", "ranked"],
        Field(
            description="Answers are written by the language model, or the most probable of the training split's "
            "answers to the same type of question; ranking works for every objective."
        ),
    ] = "written"
    limit: Annotated[int | None, Field(ge=1, description="Use only the first items of every split.")] = None

    @field_validator("task")
    @classmethod
    def _known_task(cls, task: Variant) -> Variant:
        from vlm_tasks import list_tasks, task_options

        if ":" not in check_known("task", task.name, list_tasks()):
            task_options(task.name, **task.options())
        return task

    @field_validator("prompt")
    @classmethod
    def _known_prompt(cls, prompt: str) -> str:
        from vlm_tasks import list_prompts

        return check_known("prompt", prompt, list_prompts())
