"""Where the trials of a study stand, from the files alone: whoever runs them, on this machine or another."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_runner.leases import is_leased
from ablation_runner.plan import Trial
from ablation_runner.running.prepared import Prepared
from ablation_runner.running.progress import clock
from ablation_runner.storage.records import read_record
from ablation_runner.storage.store import RunFolder, StageFolder

if TYPE_CHECKING:  # a status without looks loads no tables
    from ablation_stats import SequentialVerdict

State = Literal["finished", "failed", "running", "waiting"]


@dataclass(frozen=True, kw_only=True)
class TrialStatus:
    """Where a trial stands.

    Attributes:
        trial, arm, seed: of the plan.
        state: finished, failed, running (a worker holds it) or waiting.
        step: optimizer steps up to the last checkpoint; all of them where it is finished.
        steps: optimizer steps of all stages.
        seconds_per_step: of the stages that it has begun or shares; None where there is none yet.
        cause: why it failed.
    """

    trial: str
    arm: str
    seed: int
    state: State
    step: int
    steps: int
    seconds_per_step: float | None
    cause: str | None


def trial_status(run: RunFolder, trial: Trial) -> TrialStatus:
    """Where a trial stands.

    Args:
        run: the study's folder.
        trial: as planned.
    """
    folder = run.trial(trial.name)
    record = folder.record()
    state: State = "running" if is_leased(folder.lease_file) else "waiting"
    if record is not None:
        state = "finished" if record["status"] == "finished" else "failed"
    step, seconds = _trained(run, trial)
    return TrialStatus(
        trial=trial.name,
        arm=trial.arm,
        seed=trial.seed,
        state=state,
        step=trial.steps if state == "finished" else step,
        steps=trial.steps,
        seconds_per_step=seconds / step if step and seconds else None,
        cause=str(record.get("cause")) if record and state == "failed" else None,
    )


def study_status(prepared: Prepared) -> dict[str, Any]:
    """Every trial of a study, its looks, and the seconds that are left to train, None where nothing tells.

    Seconds are those of the trials that are planned by now; a claim that is not decided may add more.
    """
    trials = [trial_status(prepared.folder, trial) for trial in (*prepared.tuning, *prepared.trials)]
    return {
        "name": prepared.name,
        "folder": str(prepared.folder.path),
        "command": prepared.command,
        "seconds_left": seconds_left(trials),
        "trials": [asdict(trial) for trial in trials],
        "looks": [_described(found) for found in prepared.needed.verdicts.values()]
        if prepared.needed
        else [],
    }


def _described(found: "SequentialVerdict") -> dict[str, Any]:
    """Where a claim stands after the looks so far."""
    return {
        "claim": found.verdict.claim.text,
        "verdict": found.verdict.verdict,
        "end": found.end,
        "seeds": found.seeds,
        "needs": found.needs,
        "reason": found.verdict.reason,
    }


def seconds_left(trials: Sequence[TrialStatus]) -> float | None:
    """Seconds until the last trial is trained, at the pace so far and with as many at a time as run now.

    None where no trial runs or nothing has been measured; failed trials do not count.
    """
    running = sum(trial.state == "running" for trial in trials)
    paces = [trial.seconds_per_step for trial in trials if trial.seconds_per_step is not None]
    if not running or not paces:
        return None
    pace = sum(paces) / len(paces)
    return (
        sum(
            (trial.steps - trial.step) * (trial.seconds_per_step or pace)
            for trial in trials
            if trial.state in ("running", "waiting")
        )
        / running
    )


def show_status(status: dict[str, Any], console: Console) -> None:
    """Prints a status as `study_status` gives it."""
    trials = status["trials"]
    counts = {state: sum(trial["state"] == state for trial in trials) for state in get_args(State)}
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    if status["seconds_left"] is not None:
        parts.append(f"about {clock(status['seconds_left'])} left")
    console.print(Text(f"{status['name']}: {', '.join(parts)}"))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("arm", "seed", "state", "steps", ""):
        table.add_column(heading, justify="right" if heading in ("seed", "steps") else "left")
    for trial in trials:
        cells = (
            trial["arm"],
            str(trial["seed"]),
            trial["state"],
            f"{trial['step']}/{trial['steps']}" if trial["steps"] else "none",
            trial["cause"] or "",
        )
        table.add_row(*map(Text, cells))
    console.print(table)
    for look in status["looks"]:
        console.print(Text(f"{look['claim']} {look['end']}: {look['reason']}"), soft_wrap=True)
    if counts["waiting"] + counts["failed"] and not counts["running"]:
        console.print(Text(f"To go on: {status['command']}"), soft_wrap=True)


def steps_reached(folder: StageFolder) -> tuple[int, float]:
    """Steps of a stage up to its end or its last checkpoint, and the seconds they took."""
    record = folder.record()
    reached = record or read_record(folder.checkpoint / "latest.json")
    if reached is None:
        return 0, 0.0
    return int(reached["steps" if record else "step"]), float(reached["seconds"])


def _trained(run: RunFolder, trial: Trial) -> tuple[int, float]:
    """Steps over all stages, and the seconds they took."""
    reached = [steps_reached(run.stage(key)) for key in trial.stages]
    return sum(steps for steps, _ in reached), sum(seconds for _, seconds in reached)
