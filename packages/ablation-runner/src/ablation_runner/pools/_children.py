"""Processes of this machine: started, listened to, and stopped with the command that started them."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from ablation_runner.events import parse_event
from ablation_runner.pools._pool import Event, WorkerEnd

_LISTEN = 0.25  # seconds until a tick where nobody says anything
_STOP = 20.0  # seconds that a process has to end once its standard input is closed


@dataclass(frozen=True, kw_only=True)
class Command:
    """A process to be started.

    Attributes:
        name: of the worker, or the part of one.
        arguments: its program and arguments.
        environment: all its variables.
        log: where what it prints goes.
        group: processes of one group depend on each other: when one fails, the others are stopped.
    """

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    group: int


Child = subprocess.Popen[str]


def run_commands(commands: Sequence[Command], on_event: Callable[[Event], None]) -> list[WorkerEnd]:
    """Runs all processes to their end, passing on what they say.

    Args:
        commands: what to start.
        on_event: called in this thread with every event, and with {"event": "tick"} where there was none for a while.

    Returns:
        One end per process; one that was killed has a negative exit code.
    """
    events: SimpleQueue[Event | int] = SimpleQueue()
    with _started(commands) as children:
        for index, (child, command) in enumerate(zip(children, commands, strict=True)):
            Thread(target=_listen, args=(child, index, command.log, events), daemon=True).start()
        listening = set(range(len(children)))
        while listening:
            try:
                event = events.get(timeout=_LISTEN)
            except Empty:
                event = {"event": "tick"}
            if isinstance(event, dict):
                on_event(event)
                continue
            listening.remove(event)
            if children[event].wait():
                for other in listening:
                    if commands[other].group == commands[event].group:
                        _stop(children[other])
        return [
            WorkerEnd(command.name, child.wait(), command.log)
            for child, command in zip(children, commands, strict=True)
        ]


@contextmanager
def _started(commands: Sequence[Command]) -> Iterator[list[Child]]:
    """Children that end with the block, and whose standard input closes if this process dies."""
    children: list[Child] = []
    try:
        for command in commands:
            children.append(
                subprocess.Popen(
                    command.arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    env=command.environment,
                    start_new_session=True,  # Ctrl-C reaches the command alone, which stops them in order
                )
            )
        yield children
    finally:
        for child in children:
            _stop(child)
        for child in children:
            try:
                child.wait(timeout=_STOP)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _stop(child: Child) -> None:
    """Closes a worker's standard input, at the end of which it stops at once, with all its ranks."""
    if child.stdin and not child.stdin.closed:
        with suppress(BrokenPipeError):
            child.stdin.close()


def _listen(child: Child, index: int, log: Path, events: SimpleQueue[Event | int]) -> None:
    """Sorts a child's lines into events and its log; its index says that it has ended."""
    try:
        with suppress(OSError):  # such as a full disk: the log ends, and the child is still listened to
            _sort_lines(child, log, events)
        for line in child.stdout or ():
            if event := parse_event(line):
                events.put(event)
    finally:
        if child.stdout:
            child.stdout.close()
        events.put(index)


def _sort_lines(child: Child, log: Path, events: SimpleQueue[Event | int]) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        for line in child.stdout or ():
            event = parse_event(line)
            if event is None:
                file.write(line)
                file.flush()
            else:
                events.put(event)
