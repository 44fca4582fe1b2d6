"""How a trial ends that cannot go on, whoever trains it."""

from ablation_runner.plan import Trial
from ablation_runner.storage.files import write_json
from ablation_runner.storage.store import RunFolder


class TrialFailedError(RuntimeError):
    """The trial cannot go on; the message is its cause, as the report shows it."""


def cause_of(error: Exception) -> str:
    """The cause of a failure in one line: the message of a `TrialFailedError`, else with the kind of error before it."""
    cause = str(error) if isinstance(error, TrialFailedError) else f"{type(error).__name__}: {error}"
    return cause.splitlines()[0]


def record_failure(trial: Trial, run: RunFolder, cause: str) -> None:
    """Writes the record of a trial that failed; the study's others go on.

    Args:
        trial: as planned.
        run: the study's folder.
        cause: in one line.
    """
    record = {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "status": "failed", "cause": cause}
    write_json(run.trial(trial.name).record_file, record)
