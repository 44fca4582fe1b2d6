"""How a trial ends that cannot go on, whoever trains it."""

from ablation_runner.plan import Trial
from ablation_runner.storage.files import write_json
from ablation_runner.storage.store import RunFolder


class TrialFailedError(RuntimeError):
    """The trial cannot go on; the message is its cause, as the report shows it."""


def record_failure(trial: Trial, run: RunFolder, cause: str) -> None:
    """Writes the record of a trial that failed; the study's others go on.

    Args:
        trial: as planned.
        run: the study's folder.
        cause: in one line.
    """
    record = {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "status": "failed", "cause": cause}
    write_json(run.trial(trial.name).record_file, record)
