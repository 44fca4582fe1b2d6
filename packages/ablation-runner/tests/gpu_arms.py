"""A program: every arm of the built-in studies at gpu scale, its architecture, and two steps of a tiny copy of it.

Prints a line of JSON for each distinct arm. Its own process, because it shrinks the libraries' models and starts DeepSpeed.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import open_clip
import torch
from gpu_stand_ins import CONFIGURATIONS, save_configuration, save_tiny_language_model, shrink_encoders

from ablation_runner import prepare
from ablation_runner.plan import PlannedArm, plan_trials, write_plan
from ablation_runner.running.in_process import work_here
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Configuration, TrainedStudy, built_in_studies, load_study
from ablation_runner.trial.model.assemble import assemble_model
from vlm_encoders._architecture import Architecture as CatalogueFacts
from vlm_encoders._catalogue import CATALOGUE
from vlm_encoders._libraries import catalogue_backbone
from vlm_fusion import build_tokenizer
from vlm_tasks import create_task

TASKS = ("object", "attribute", "count", "spatial", "ocr", "fine-grained")
STEPS, IMAGES = 2, 4
Architecture = frozenset[tuple[str, str]]


def scenes(named: dict[str, Any], size: int) -> dict[str, Any]:
    """A few generated scenes: those of the arm, or some in place of photographs that are not here."""
    asked = named if named["name"] == "scenes" else {"name": "scenes", "size": size, "tasks": TASKS}
    return asked | {"train": 2 * IMAGES, "validation": IMAGES, "test": IMAGES}


def tiny(configuration: Configuration, language_models: dict[str, Path]) -> Configuration:
    """The arm's configuration with tiny models in place of pretrained ones, and two short steps per stage."""
    raw = configuration.model_dump()
    for encoder in (raw["encoder"], *raw["encoder"]["mixed_with"]):
        encoder["weights"] = "random"
    named, connector = raw["model"]["language_model"], raw["model"]["connector"]
    named["repository"] = str(language_models[named["name"]])
    if "heads" in connector:
        connector |= {"depth": min(connector["depth"], 2), "width": 32, "heads": 4}
    raw["data"] |= {"task": scenes(raw["data"]["task"], raw["encoder"]["image_size"]), "limit": None}
    for training in (raw["training"], *(stage["training"] for stage in raw["before"])):
        training |= {"steps": STEPS, "images_per_step": IMAGES, "validations": 1}
    return Configuration.model_validate(raw)


@contextmanager
def nothing_allocated() -> Iterator[None]:
    """Models are made of shapes alone."""
    on_meta = partial(open_clip.create_model, device="meta")
    with torch.device("meta"), patch.object(open_clip, "create_model", on_meta):
        yield


def architecture(configuration: Configuration, language_models: dict[str, Path]) -> Architecture:
    """Every module's place, its number among equals left out, and its class."""
    raw = configuration.model_dump(exclude={"data": {"task"}, "tokens": True})
    named = raw["model"]["language_model"]
    named |= {"repository": str(language_models[named["name"]]), "pretrained": False}
    for training in (raw["training"], *(stage["training"] for stage in raw["before"])):
        training |= {"steps": 1, "encoder": {"name": "frozen"}}  # encoders are looked at by themselves
    encoders = [encoder_classes(CATALOGUE[member.name]) for member in configuration.encoder.members]
    return frozenset.union(model_classes(json.dumps(raw, sort_keys=True)), *encoders)


@cache
def model_classes(settings: str) -> Architecture:
    """Of connector, language model, allocator and heads."""
    with nothing_allocated():
        configuration = Configuration.model_validate_json(settings)
        return classes(assemble_model(configuration, build_tokenizer(["a"]), seed=0))


@cache
def encoder_classes(facts: CatalogueFacts) -> Architecture:
    """Of a whole encoder."""
    with nothing_allocated():
        return classes(catalogue_backbone(facts, "random:0"), facts.model)


def classes(model: torch.nn.Module, name: str = "") -> Architecture:
    """Places and classes of a model's modules."""
    return frozenset(
        (f"{name}.{re.sub(r'[0-9]+', '*', path)}", f"{type(module).__module__}.{type(module).__qualname__}")
        for path, module in model.named_modules()
    )


def how_trained(configuration: Configuration) -> tuple[Any, ...]:
    """What makes an arm another program besides the classes of its modules."""
    stages = tuple(
        (tuple(each.parts), each.encoder.name, each.objectives, each.allocates, each.questions_per_image)
        for each in configuration.trainings
    )
    allocator = configuration.model.allocator
    return stages, configuration.tokens.method.name, allocator and allocator.name


def planned_arms(runs: Path) -> Iterator[tuple[str, TrainedStudy, PlannedArm]]:
    """Every arm of every built-in study at gpu scale that trains a model here, with the study's name."""
    for name, source in built_in_studies().items():
        study = load_study(source, scale="gpu")
        if isinstance(study, TrainedStudy):
            task = json.dumps(scenes(study.baseline.data.task.model_dump(), 336)).replace('": ', '" = ')
            here = [] if study.baseline.data.task.name == "scenes" else [f"data.task={task}"]
            for arm in prepare(name, runs=runs, scale="gpu", processes=8, overrides=here).arms:
                yield name, study, arm


def main(folder: Path) -> None:
    """Plans, looks, shrinks, trains."""
    whole = {name: save_configuration(name, folder) for name in CONFIGURATIONS}
    distinct: dict[Any, tuple[TrainedStudy, PlannedArm, list[str]]] = {}
    for name, study, arm in planned_arms(folder):
        key = architecture(arm.configuration, whole), how_trained(arm.configuration)
        distinct.setdefault(key, (study, arm, []))[2].append(f"{name}: {arm.name}")
    shrink_encoders(folder)
    items = create_task("scenes", tasks=TASKS, train=50, validation=1, test=1).items("train")
    texts = [*items["question"], *items["answers"].explode()]
    small = {name: save_tiny_language_model(name, folder, texts) for name in CONFIGURATIONS}
    run, trials = RunFolder(folder / "run"), {}
    for (built, _), (study, arm, where) in distinct.items():
        arm = replace(arm, configuration=tiny(arm.configuration, small))
        asked = study.model_copy(
            update={"seeds": [0], "metric": "exact_match"}
        )  # of ten answers scenes have one
        trial = plan_trials(asked, (arm,), processes=1, data="scenes")[0]
        trials[trial.name] = trial, where, built ^ architecture(arm.configuration, small)
    write_plan(run.plan_file, [trial for trial, *_ in trials.values()], ())
    work_here(run, on_event=lambda event: None)
    for name, (trial, where, other) in trials.items():
        record = run.trial(name).record() or {"status": "missing"}
        print(
            json.dumps(
                {"arms": where, "differs": sorted(other), "stages": len(trial.stages), "record": record}
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
