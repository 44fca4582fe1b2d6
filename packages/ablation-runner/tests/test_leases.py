"""Leases: one holder at a time, whoever is killed, stopped, or on a machine with another clock."""

import dataclasses
import json
import os
import threading
import time
from pathlib import Path

import pytest

from ablation_runner.leases import LostLeaseError, is_leased, try_lease
from ablation_runner.leases._owner import read_owner, this_process

SHORT = 0.3  # seconds that leases last here


def leave(path: Path, **changed: object) -> None:
    """A lease as another process would have left it."""
    path.write_bytes(dataclasses.replace(this_process(), **changed).to_bytes())


def test_a_lease_is_held_once(tmp_path: Path) -> None:
    lease = tmp_path / "below" / ".lease"
    assert not is_leased(lease)
    with try_lease(lease) as first:
        assert first
        assert is_leased(lease)
        with try_lease(lease) as second:
            assert second is None
        first.check()
    with try_lease(lease) as again:
        assert again
    assert list(lease.parent.iterdir()) == []


def test_looking_at_a_lease_makes_nothing(tmp_path: Path) -> None:
    assert not is_leased(tmp_path / "below" / ".lease")
    assert not (tmp_path / "below").exists()
    leave(tmp_path / ".lease")
    assert is_leased(tmp_path / ".lease")
    assert [path.name for path in tmp_path.iterdir()] == [".lease"]


def test_looking_at_a_lease_again_and_again_keeps_nobody_from_it(tmp_path: Path) -> None:
    lease, done = tmp_path / ".lease", threading.Event()

    def look() -> None:
        while not done.is_set():
            is_leased(lease)
            done.wait(0.0005)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(100):
            with try_lease(lease) as mine:
                assert mine
    finally:
        done.set()
        watcher.join()


def test_a_lease_is_renewed_while_its_holder_is_busy(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    with try_lease(lease, lasts=SHORT):
        until = time.monotonic() + 4 * SHORT
        while time.monotonic() < until:
            sum(range(100_000))
            assert is_leased(lease, lasts=SHORT)


def test_a_holder_on_another_machine_counts_until_its_lease_has_run_out(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    leave(lease, kernel="another", pid=1, started=1)
    with try_lease(lease, lasts=60) as mine:
        assert mine is None
    os.utime(lease, (time.time() - 61,) * 2)
    assert not is_leased(lease, lasts=60)
    with try_lease(lease, lasts=60) as mine:
        assert mine


@pytest.mark.parametrize("ahead", [-1e6, 1e6])
def test_the_clock_of_this_machine_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    lease, now = tmp_path / ".lease", time.time
    leave(lease, kernel="another")
    monkeypatch.setattr(time, "time", lambda: now() + ahead)
    assert is_leased(lease, lasts=60)
    os.utime(lease, (now() - 61,) * 2)
    assert not is_leased(lease, lasts=60)


def test_a_process_of_this_machine_that_has_ended_counts_no_longer(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    child = os.fork()
    if child == 0:
        leave(lease)
        os._exit(0)
    while read_owner(lease.read_bytes() if lease.exists() else b"") is None:
        time.sleep(0.01)
    os.waitid(
        os.P_PID, child, os.WEXITED | os.WNOWAIT
    )  # it stays a zombie, as the child of a busy parent does
    assert not is_leased(lease)
    os.waitpid(child, 0)
    assert not is_leased(lease)


def test_a_later_process_with_the_same_id_is_another(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    leave(lease, started=this_process().started - 1)
    assert not is_leased(lease)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff", json.dumps({"a": 1}).encode()])
def test_a_damaged_lease_lasts_no_longer_than_others(tmp_path: Path, content: bytes) -> None:
    lease = tmp_path / ".lease"
    lease.write_bytes(content)
    assert is_leased(lease, lasts=60)
    os.utime(lease, (time.time() - 61,) * 2)
    with try_lease(lease, lasts=60) as mine:
        assert mine


def test_who_was_replaced_is_told_and_takes_nothing_away(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    with try_lease(lease) as first:
        assert first
        leave(lease, token="another's")
        with pytest.raises(LostLeaseError, match="was taken over"):
            first.check()
    assert read_owner(lease.read_bytes()) == dataclasses.replace(this_process(), token="another's")


def test_a_lease_that_was_deleted_is_lost(tmp_path: Path) -> None:
    lease = tmp_path / ".lease"
    with try_lease(lease) as mine:
        assert mine
        lease.unlink()
        assert not mine.is_mine()


def test_a_link_that_a_server_reports_twice_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def asked_again(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", asked_again)
    with try_lease(tmp_path / ".lease") as mine:
        assert mine
    with try_lease(tmp_path / ".lease") as first, try_lease(tmp_path / ".lease") as second:
        assert first
        assert second is None
