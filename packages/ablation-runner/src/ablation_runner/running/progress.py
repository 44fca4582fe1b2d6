"""Live progress of a run: bars on a terminal, a line now and then in a log file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

_LINE_EVERY = 15.0  # seconds between lines where there is no terminal


@dataclass
class _Active:
    """A trial in work."""

    step: int
    steps: int
    first_step: int
    since: float
    doing: str = "train"
    loss: float | None = None

    def seconds_per_step(self, now: float) -> float | None:
        done = self.step - self.first_step
        return (now - self.since) / done if done > 0 else None


class Progress:
    """What the workers have said so far, and how long the rest will take.

    Args:
        trials: trials still to be run.
        steps: optimizer steps of each of them.
        workers: trials at a time.
    """

    def __init__(self, *, trials: int, steps: dict[str, int], workers: int) -> None:
        """Nothing has happened yet."""
        self._trials = trials
        self._steps = steps
        self._workers = workers
        self._active: dict[str, _Active] = {}
        self._rates: list[float] = []
        self._done: set[str] = set()
        self._features: tuple[int, int] | None = None
        self._began = time.monotonic()
        self.failed: dict[str, str] = {}

    def take(self, event: dict[str, Any]) -> str | None:
        """Takes in an event; the line that says it in a log, None where it is not worth one."""
        now = time.monotonic()
        match event:
            case {"event": "features", "done": int(done), "total": int(total)}:
                self._features = (done, total) if done < total else None
            case {"event": "trial", "trial": str(trial), "step": int(step), "steps": int(steps)}:
                self._features = None
                said = _start(trial, step, steps, event.get("reused", 0), known=trial in self._active)
                self._active[trial] = _Active(step=step, steps=steps, first_step=step, since=now)
                return said
            case {"event": "step", "trial": str(trial), "step": int(step), "loss": float(loss)} if (
                active := self._active.get(trial)
            ):
                active.step, active.loss = step, loss
            case {"event": "evaluate", "trial": str(trial)} if trial in self._active:
                self._finish_training(trial, now)
            case {"event": "finished", "trial": str(trial), "score": float(score), "seconds": float(seconds)}:
                if (
                    active := self._active.get(trial)
                ) and active.steps == 1:  # a command's, which tells no steps
                    self._rates.append(seconds)
                self._end(trial)
                return f"{trial}: finished in {seconds:.0f} s, score {score:.3f} ({len(self._done)}/{self._trials})"
            case {"event": "note", "text": str(text)}:
                return text
            case {"event": "failed", "trial": str(trial), "cause": str(cause)}:
                self._end(trial)
                self.failed[trial] = cause
                return f"{trial}: failed: {cause}"
            case {"event": "note", "text": str(text)}:
                return text
            case {"event": "lost", "trial": str(trial), "cause": str(cause)}:
                self._active.pop(trial, None)
                return f"{trial}: {cause}"
        return None

    def seconds_left(self) -> float | None:
        """Expected seconds until the last trial is trained; None before anything has been measured."""
        now = time.monotonic()
        running = [rate for active in self._active.values() if (rate := active.seconds_per_step(now))]
        rates = self._rates + running
        if not rates:
            return None
        left = sum(
            steps for trial, steps in self._steps.items() if trial not in self._done | self._active.keys()
        )
        left += sum(active.steps - active.step for active in self._active.values())
        return left * (sum(rates) / len(rates)) / self._workers

    def line(self) -> str:
        """The state in one line."""
        parts = [
            f"{len(self._done)}/{self._trials} trials",
            f"elapsed {clock(time.monotonic() - self._began)}",
        ]
        left = self.seconds_left()
        if left is not None:
            parts.append(f"about {clock(left)} left")
        if self._features:
            parts.append("features {}/{} images".format(*self._features))
        for trial, active in self._active.items():
            loss = f" loss {active.loss:.3f}" if active.loss is not None else ""
            parts.append(f"{trial} {active.doing} {active.step}/{active.steps}{loss}")
        return " · ".join(parts)

    def table(self) -> Table:
        """The state as a small table."""
        table = Table.grid(padding=(0, 2))
        left = self.seconds_left()
        table.add_row(
            f"[bold]{len(self._done)}/{self._trials}[/] trials",
            f"elapsed {clock(time.monotonic() - self._began)}",
            f"about {clock(left)} left" if left is not None else "",
        )
        if self._features:
            table.add_row("features", "{}/{} images".format(*self._features), "")
        for trial, active in self._active.items():
            loss = f"loss {active.loss:.3f}" if active.loss is not None else ""
            table.add_row(Text(trial), f"{active.doing} {active.step}/{active.steps}", loss)
        return table

    def _finish_training(self, trial: str, now: float) -> None:
        active = self._active[trial]
        rate = active.seconds_per_step(now)
        if rate:
            self._rates.append(rate)
        active.doing, active.step = "test", active.steps

    def _end(self, trial: str) -> None:
        self._active.pop(trial, None)
        self._done.add(trial)


def _start(trial: str, step: int, steps: int, reused: int, *, known: bool) -> str:
    """What a log says where a trial, or its next stage, starts.

    Args:
        trial: its name.
        step: optimizer steps that are done.
        steps: of all its stages.
        reused: steps of stages that another trial, or an earlier run, has trained to their end.
        known: it was in work already.
    """
    if steps == 0:
        return f"{trial}: its weights are there and are tested"
    if step == steps:
        return f"{trial}: its training is there already and is reused"
    if known:
        return f"{trial}: goes on at step {step}"  # with its next stage, or after its worker was stopped
    if step == 0:
        return f"{trial}: started"
    if step == reused:
        return f"{trial}: starts at step {step}; the stages before are there already and are reused"
    return f"{trial}: continues at step {step}"


@contextmanager
def shown(progress: Progress, console: Console) -> Iterator[Any]:
    """A callback for events that keeps the display up to date while the block runs."""
    if console.is_terminal:
        with Live(
            console=console, get_renderable=progress.table, refresh_per_second=4, transient=True
        ) as live:

            def on_event(event: dict[str, Any]) -> None:
                line = progress.take(event)
                if line:
                    live.console.print(line, markup=False, highlight=False)

            yield on_event
        return
    last = time.monotonic()

    def on_event_in_log(event: dict[str, Any]) -> None:
        nonlocal last
        line = progress.take(event)
        if line:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        elif time.monotonic() - last >= _LINE_EVERY:
            last = time.monotonic()
            console.print(progress.line(), markup=False, highlight=False, soft_wrap=True)

    yield on_event_in_log


def clock(seconds: float) -> str:
    """A duration as hours, minutes and seconds: 1:02:03, 0:07."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
