"""A trainer of the user's own: the command that runs it, and the settings that the command takes."""

import shlex
from string import Formatter
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from ablation_runner.errors import nearest
from ablation_runner.study._settings import Settings

# Placeholders that the runner fills; the others are settings.
OUT, SEED, ARM, PROCESSES, PYTHON = "out", "seed", "arm", "processes", "python"
RESERVED = (OUT, SEED, ARM, PROCESSES, PYTHON)

Value = str | int | float | bool


class OwnSettings(Settings):
    """The settings of a command, under names of the user's own: text, numbers, true or false."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, Value]

    @model_validator(mode="after")
    def _names_are_placeholders(self) -> "OwnSettings":
        for name in self.values():
            if not name.isidentifier():
                raise ValueError(f"{name!r} cannot be a placeholder; use letters, digits and _")
            if name in RESERVED:
                raise ValueError(f"{name!r} is filled in by the runner; call the setting something else")
        return self

    def values(self) -> dict[str, Value]:
        """Name to value."""
        return dict(self.__pydantic_extra__)


class Command(Settings):
    """A command that trains and tests one arm under one seed, in the place of DeepSpeed here."""

    command: Annotated[
        str,
        Field(
            min_length=1,
            description="Program and arguments, run without a shell where ablate is called; {out} is the folder it "
            "leaves its results in, {seed} its seed, {arm} the arm's name, {processes} what --processes says, {python} the "
            "interpreter that runs ablate, {NAME} the setting of that name.",
        ),
    ]
    sources: Annotated[
        list[str],
        Field(
            description="Files, or patterns such as trainer/**/*.py; a trial is run anew when they change."
        ),
    ] = Field(default_factory=list)
    results: Annotated[
        str,
        Field(
            min_length=1,
            description="Which files in {out} hold the results, as a pattern: items.parquet, **/*samples_*.jsonl of "
            "lm-eval or lmms-eval, *.xlsx of VLMEvalKit.",
        ),
    ] = "items.parquet"
    cluster: Annotated[
        str | None,
        Field(
            min_length=1, description="Field of those logs that names what items share, such as the image."
        ),
    ] = None
    threads: Annotated[int, Field(ge=1, description="CPU threads per trial, told as OMP_NUM_THREADS.")] = 1

    @field_validator("command")
    @classmethod
    def _can_be_filled(cls, command: str) -> str:
        if not template(command):
            raise ValueError("names no program")
        for needed, what in ((OUT, "the folder of the results"), (SEED, "the seed")):
            if needed not in placeholders(command):
                raise ValueError(f"has no {{{needed}}}, {what}")
        return command

    @field_validator("results")
    @classmethod
    def _stays_inside(cls, pattern: str) -> str:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise ValueError(f"{pattern!r} leads out of {{out}}")
        return pattern


def template(command: str) -> list[str]:
    """The arguments of a command before their placeholders are filled, so that no value becomes two arguments.

    Raises:
        ValueError: a quotation is not closed.

    >>> template("python train.py --name 'two words' --seed {seed}")
    ['python', 'train.py', '--name', 'two words', '--seed', '{seed}']
    """
    return shlex.split(command)


def placeholders(command: str) -> list[str]:
    """Names in braces, each once; braces that are meant as such are doubled.

    Raises:
        ValueError: a brace without its fellow, or a placeholder that is more than a name.
    """
    found: dict[str, None] = {}
    for argument in template(command):
        for _, name, form, conversion in Formatter().parse(argument):
            if name is None:
                continue
            if not name.isidentifier() or form or conversion:
                raise ValueError(f"{argument!r}: a placeholder is a name in braces; write {{{{ for a brace")
            found[name] = None
    return list(found)


def filled(command: str, values: dict[str, Value]) -> list[str]:
    """Program and arguments with their placeholders filled; true and false are written as in TOML.

    >>> filled("train --encoder={encoder} --seed {seed}", {"encoder": "a b", "seed": 1})
    ['train', '--encoder=a b', '--seed', '1']
    """
    words = {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()
    }
    return [argument.format_map(words) for argument in template(command)]


def refuse_unfitting(command: str, settings: dict[str, Any]) -> None:
    """Refuses placeholders that are no settings, and settings that no placeholder uses.

    Raises:
        ValueError: there is one; it is named.
    """
    used = placeholders(command)
    for name in used:
        if name not in (*RESERVED, *settings):
            raise ValueError(
                f"engine.command: {{{name}}} is no setting of [baseline]; {nearest(name, [*RESERVED, *settings])}"
            )
    for name in settings:
        if name not in used:
            raise ValueError(
                f"baseline.{name}: engine.command has no {{{name}}}, so the setting would change nothing"
            )
