"""The two kinds of studies: trained here on DeepSpeed, or by a command of the user's own."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from ablation_runner.study._command import Command, OwnSettings, refuse_unfitting
from ablation_runner.study._configuration import Configuration
from ablation_runner.study._engine import Engine
from ablation_runner.study._schema import Study
from ablation_runner.study._variants import check_known


class TrainedStudy(Study):
    """A study whose arms are trained and tested here."""

    baseline: Annotated[Configuration, Field(description="The configuration all arms are compared with.")]
    engine: Annotated[Engine, Field(description="How DeepSpeed trains; the same for all arms.")] = Engine()

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str) -> str:
        from vlm_tasks import list_metrics

        return check_known("metric", metric, list_metrics())

    @model_validator(mode="after")
    def _has_its_own_blind_arm(self) -> "TrainedStudy":
        if self.blind is not None:
            raise ValueError(
                "blind belongs to an engine with a command; here images are shuffled for that arm"
            )
        return self

    @model_validator(mode="after")
    def _trains_or_tests(self) -> "TrainedStudy":
        if self.stages is None and self.baseline.model.checkpoint is not None:
            raise ValueError(
                "baseline.model.checkpoint has the weights, so nothing is trained: set stages = []"
            )
        if self.stages is None:
            return self
        if self.baseline.model.checkpoint is None:
            raise ValueError(
                "stages = [] trains nothing: name weights that are there in baseline.model.checkpoint"
            )
        if self.baseline.training is not None or self.baseline.before:
            raise ValueError("stages = [] trains nothing: leave baseline.training and baseline.before out")
        for key, wanted in (
            ("tuning", self.tuning is not None),
            ("match", self.match != "none"),
            ('design.kind = "greedy-sequential"', self.design.kind == "greedy-sequential"),
        ):
            if wanted:
                raise ValueError(f"stages = [] trains nothing, and {key} needs training: leave it out")
        return self


class CommandStudy(Study):
    """A study whose arms a command trains and tests; every key of its baseline fills a placeholder of it."""

    baseline: Annotated[OwnSettings, Field(description="The settings all arms are compared with.")]
    engine: Annotated[Command, Field(description="The command, and what it leaves.")]

    @model_validator(mode="after")
    def _settings_are_placeholders(self) -> "CommandStudy":
        refuse_unfitting(self.engine.command, self.baseline.values())
        return self

    @model_validator(mode="after")
    def _asks_what_a_command_can_do(self) -> "CommandStudy":
        needs_training = {
            "stages": (self.stages is not None, "no key here: what is trained is up to the command"),
            "tuning": (self.tuning, "a validation score, which a command does not report"),
            "conditions": (self.conditions, "a trained model at hand; make each condition a factor's level"),
            "match": (self.match != "none", "a model at hand; set the sizes in the levels"),
            "design.kind": (
                self.design.kind == "greedy-sequential",
                "a validation score, which a command does not report",
            ),
        }
        for key, (is_set, what) in needs_training.items():
            if is_set:
                raise ValueError(f"{key} needs {what}")
        return self


def kind_of(raw: dict[str, Any]) -> type[TrainedStudy] | type[CommandStudy]:
    """What a parsed study file is to be: a command is what makes the difference."""
    engine = raw.get("engine")
    return CommandStudy if isinstance(engine, dict) and "command" in engine else TrainedStudy
