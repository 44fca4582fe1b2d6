"""Leases under real processes that are killed or stopped at any instant."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablation_runner.leases import alone_in, is_leased, take_part, try_lease

FORK = multiprocessing.get_context("fork")
SHORT = 0.3  # seconds that leases last where somebody is stopped for longer


@pytest.fixture(autouse=True)
def _no_survivors() -> Iterator[None]:
    """Ends what a failed test left behind, also where it is stopped."""
    yield
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def hold(lease: Path, held: Any, lasts: float, until: Any) -> None:
    with try_lease(lease, lasts=lasts) as mine:
        held.put((os.getpid(), mine is not None))
        until.wait()
        held.put((os.getpid(), mine is not None and mine.is_mine()))


def enter(lease: Path, log: Path, times: int) -> None:
    """Takes the lease again and again; writes a line when it has it, and one before it gives it back."""
    entered, chance = 0, random.Random(os.getpid())
    while entered < times:
        with try_lease(lease) as mine:
            if mine:
                entered += 1
                note(log, f"{os.getpid()} enters")
                time.sleep(chance.random() * 0.004)
                note(log, f"{os.getpid()} leaves")


def note(log: Path, line: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def test_no_two_hold_a_lease_while_holders_are_killed_at_random(tmp_path: Path) -> None:
    lease, log, chance = tmp_path / ".lease", tmp_path / "log", random.Random(0)
    children = [FORK.Process(target=enter, args=(lease, log, 10_000)) for _ in range(4)]
    for child in children:
        child.start()
    killed = []
    for _ in range(12):
        time.sleep(0.05 + chance.random() * 0.05)
        victim = children.pop(0)
        victim.kill()
        victim.join()
        note(log, f"{victim.pid} is dead")
        killed.append(victim)
        children.append(FORK.Process(target=enter, args=(lease, log, 10_000)))
        children[-1].start()
    watched = log.read_text(
        encoding="utf-8"
    )  # while the rest are killed, those still living take over from the dead
    for child in children:
        child.kill()
        child.join()
    inside: set[str] = set()
    entered = 0
    for line in watched.splitlines():
        pid, what = line.split(maxsplit=1)
        if what == "enters":
            # The parent writes down a death a little after it: whoever is inside then must be one of the killed.
            assert inside <= {str(process.pid) for process in killed}, line
            inside, entered = {pid}, entered + 1
        else:
            inside.discard(pid)
    assert entered > 50
    with try_lease(lease) as mine:
        assert mine


def race(lease: Path, barrier: Any, got: Any) -> None:
    barrier.wait()
    with try_lease(lease, lasts=60) as mine:
        got.put(mine is not None)
        barrier.wait()  # nobody gives it back before all have tried


@pytest.mark.parametrize("attempt", range(5))
def test_of_many_that_would_take_over_one_does(tmp_path: Path, attempt: int) -> None:
    lease, barrier, got = tmp_path / ".lease", FORK.Barrier(6), FORK.SimpleQueue()
    lease.write_bytes(b"of somebody who is gone")
    os.utime(lease, (time.time() - 61,) * 2)
    takers = [FORK.Process(target=race, args=(lease, barrier, got)) for _ in range(6)]
    for taker in takers:
        taker.start()
    assert sorted(got.get() for _ in takers) == [False] * 5 + [True]
    for taker in takers:
        taker.join()
    assert list(tmp_path.iterdir()) == []


def test_who_is_stopped_for_longer_than_the_lease_loses_it_and_is_told(tmp_path: Path) -> None:
    lease, held, until = tmp_path / ".lease", FORK.SimpleQueue(), FORK.Event()
    holder = FORK.Process(target=hold, args=(lease, held, SHORT, until))
    holder.start()
    assert held.get() == (holder.pid, True)
    assert holder.pid
    os.kill(holder.pid, signal.SIGSTOP)
    assert is_leased(lease, lasts=SHORT)
    time.sleep(2 * SHORT)
    with try_lease(lease, lasts=SHORT) as mine:
        assert mine
        os.kill(holder.pid, signal.SIGCONT)
        until.set()
        assert held.get() == (holder.pid, False)
        holder.join()
        assert mine.is_mine()


def test_who_was_killed_while_taking_over_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = tmp_path / ".lease"
    lease.write_bytes(b"of somebody who is gone")
    os.utime(lease, (time.time() - 61,) * 2)

    def die_at_the_rename() -> None:
        monkeypatch.setattr(Path, "replace", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        with try_lease(lease, lasts=60):
            pass

    taker = FORK.Process(target=die_at_the_rename)
    taker.start()
    taker.join()
    assert taker.exitcode == -signal.SIGKILL
    with try_lease(lease, lasts=60) as mine:
        assert mine


def test_only_who_has_no_company_is_alone(tmp_path: Path) -> None:
    live = tmp_path / ".live"
    with take_part(live), take_part(live), alone_in(live) as alone:
        assert not alone
    with alone_in(live) as alone:
        assert alone
        with alone_in(live) as also:
            assert not also


def take_part_until(live: Path, joined: Any, until: Any) -> None:
    with take_part(live):
        joined.set()
        until.wait()


def test_who_joins_waits_for_whoever_is_alone(tmp_path: Path) -> None:
    live, joined, until = tmp_path / ".live", FORK.Event(), FORK.Event()
    joiner = FORK.Process(target=take_part_until, args=(live, joined, until))
    with alone_in(live) as alone:
        assert alone
        joiner.start()
        assert not joined.wait(0.5)
    assert joined.wait(10)
    with alone_in(live) as alone:
        assert not alone
    joiner.kill()
    joiner.join()
    with alone_in(live) as alone:
        assert alone
        assert [path.name for path in live.iterdir()] == ["alone"]
