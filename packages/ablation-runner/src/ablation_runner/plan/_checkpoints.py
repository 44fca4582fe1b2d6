"""Weights that a study tests and does not train: found, told by their bytes, and compared with the configuration."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablation_runner.errors import StudyError, nearest
from ablation_runner.plan._arm import differences
from ablation_runner.plan._stages import CONFIGURATION, SEED
from ablation_runner.storage.records import Record, file_digest
from ablation_runner.storage.store import RunFolder, StageFolder, TrialFolder
from ablation_runner.study import Configuration

# What may be otherwise than in training; other settings decide what the weights are.
_FREE = (
    "data.images",
    "data.limit",
    "data.answers",
    "data.validation_images",
    "tokens.",
    "model.checkpoint.",
)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights that are there already.

    Attributes:
        path: a safetensors file, or the folder or the hub's name of a model of transformers.
        digest: of their bytes; on the hub the name and the commit.
    """

    path: str
    digest: str


def find_weights(configuration: Configuration, seed: int) -> tuple[Weights, Configuration]:
    """The weights of an arm under a seed, and its configuration with the training that they have been through.

    Args:
        configuration: with a checkpoint.
        seed: whose weights, where each seed has its own.

    Raises:
        StudyError: they are not there, or were trained with other settings.
    """
    checkpoint = configuration.model.checkpoint
    assert checkpoint is not None
    if configuration.training is not None or configuration.before:
        raise StudyError("model.checkpoint has the weights and nothing is trained: leave training.* out")
    if checkpoint.transformers is not None:
        return _of_transformers(checkpoint.transformers, checkpoint.revision), configuration
    if checkpoint.weights is not None:
        file = _weights_file(Path(checkpoint.weights))
    else:
        file = _trials_file(RunFolder(Path(str(checkpoint.run))), str(checkpoint.arm), seed)
    said = _header(file)
    record = StageFolder(file.parent).record()
    stands = record is not None and file.name in record["files"]
    digest = str(record["files"][file.name]["sha256"]) if record and stands else _digest_once(file)
    return Weights(path=str(file), digest=digest), _as_trained(configuration, said, seed, file)


def folder_digest(folder: Path) -> str:
    """A digest of all files of a folder, by name; hidden ones are left out.

    In a process each file is read once, until the system says that it was changed or replaced.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()}\0{_digest_once(path)}\0".encode())
    return digest.hexdigest()


def _digest_once(path: Path) -> str:
    """A file's digest; else every arm, seed and round of planning would read the gigabytes of a model again."""
    said = path.stat()
    return _digest(path.absolute(), said.st_ino, said.st_size, said.st_mtime_ns, said.st_ctime_ns)


@cache
def _digest(path: Path, *_: int) -> str:
    return file_digest(path)


def _of_transformers(name: str, revision: str | None) -> Weights:
    folder = Path(name)
    if folder.is_dir():
        if revision is not None:
            raise StudyError(
                f"model.checkpoint.revision belongs to a name on the hub, and {name} is a folder"
            )
        if not (folder / "config.json").is_file():
            raise StudyError(f"model.checkpoint.transformers: {name} holds no config.json")
        return Weights(path=name, digest=folder_digest(folder))
    if revision is None:
        raise StudyError(
            f"model.checkpoint.transformers: there is no folder {name}; a name on the hub comes with its "
            f"revision, the full commit, so that the same weights are read again"
        )
    return Weights(path=name, digest=f"{name}@{revision}")


def _weights_file(path: Path) -> Path:
    """The safetensors file that a path means: itself, a stage's, or that of a trial's last stage."""
    if path.is_dir():
        trial, stage = TrialFolder(path).record(), StageFolder(path).record()
        if trial is not None:
            return _last_stage(RunFolder(path.parent.parent), trial)
        if stage is None:
            raise StudyError(
                f"model.checkpoint.weights: {path} is neither a finished trial nor a finished stage"
            )
        return StageFolder(path).weights_file
    if not path.is_file():
        raise StudyError(f"model.checkpoint.weights: there is no {path}")
    return path


def _trials_file(run: RunFolder, arm: str, seed: int) -> Path:
    """The weights of the trial of an arm under a seed, as the run's plan has it."""
    import polars as pl  # only here: to plan takes no time

    try:
        plan = pl.read_parquet(run.plan_file, columns=["trial", "arm", "seed"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StudyError(f"model.checkpoint.run: {run.path} holds no plan of a study that was run") from error
    arms = plan["arm"].unique(maintain_order=True).to_list()
    if arm not in arms:
        raise StudyError(f"model.checkpoint.arm: {run.path} has no arm {arm!r}; {nearest(arm, arms)}")
    names = plan.filter(pl.col("arm") == arm, pl.col("seed") == seed)["trial"].to_list()
    if not names:
        raise StudyError(f"model.checkpoint.run: {run.path} has no trial of {arm!r} under seed {seed}")
    record = run.trial(names[-1]).record()
    if record is None or record["status"] != "finished":
        raise StudyError(f"model.checkpoint.run: trial {names[-1]} of {run.path} has not finished")
    return _last_stage(run, record)


def _last_stage(run: RunFolder, trial: Record) -> Path:
    if not trial["stages"]:
        raise StudyError(
            f"model.checkpoint: {trial.path.parent} was tested and not trained; name what it tested"
        )
    folder = run.stage(str(trial["stages"][-1]["key"]))
    if folder.record() is None:
        raise StudyError(f"model.checkpoint: {folder.path} holds no finished stage; run its study again")
    return folder.weights_file


def _header(file: Path) -> Mapping[str, str]:
    """What a safetensors file says of itself, read without the library and without its weights."""
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if length > file.stat().st_size:
                raise ValueError("shorter than it says")
            said = json.loads(opened.read(length)).get("__metadata__", {})
            return said if isinstance(said, dict) else {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise StudyError(f"model.checkpoint: {file} is no safetensors file ({error})") from error


def _as_trained(
    configuration: Configuration, said: Mapping[str, Any], seed: int, file: Path
) -> Configuration:
    """The configuration with the recorded training, where the file records it and agrees with the rest."""
    if CONFIGURATION not in said:
        return configuration
    if said.get(SEED) != str(seed):
        raise StudyError(
            f"model.checkpoint: {file} was trained under seed {said.get(SEED)}: set seeds to it, not {seed}"
        )
    try:
        trained = Configuration.model_validate_json(said[CONFIGURATION])
        whole = Configuration.model_validate(
            configuration.model_dump() | trained.model_dump(include={"before", "training"})
        )
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise StudyError(f"model.checkpoint: {file} does not fit: {reason}") from error
    free = (*_FREE, *(() if trained.trains_encoder else ("encoder.image_size",)), *_of_words(trained))
    for found in differences(trained, whole):
        if not found.path.startswith(free) and found.path != "model.checkpoint":
            raise StudyError(
                f"model.checkpoint: {file} was trained with other settings: {found}; set them as in training"
            )
    return whole


def _of_words(trained: Configuration) -> tuple[str, ...]:
    """What may be asked otherwise: a tokenizer made for a study knows the words of its task and prompt alone."""
    from vlm_fusion import PretrainedOptions, language_model_options

    _, language = trained.model.parts
    options = language_model_options(language.name, **language.options())
    return ("data.task", "data.prompt") if isinstance(options, PretrainedOptions) else ()
