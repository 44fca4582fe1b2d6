"""Where the runs of a built-in study lie, by scale."""

from pathlib import Path

from ablation_runner.storage.store import RunFolder
from ablation_runner.study._scales import CPU

COMPARABLE = "gpu"  # the scale whose models are those that the literature speaks of
SCALES = (COMPARABLE, CPU)  # the first that has results is taken


def run_folder(runs: Path, study: str, scale: str) -> RunFolder:
    """Where a study runs at a scale, as `ablate run --scale` puts it."""
    return RunFolder(runs / (study if scale == CPU else f"{study}-{scale}"))


def was_started(runs: Path, study: str) -> bool:
    """Whether there is a plan of the study at some scale; tells without a library that reads it."""
    return any(run_folder(runs, study, scale).plan_file.is_file() for scale in SCALES)
