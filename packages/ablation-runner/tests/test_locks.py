"""Lock files, also while they are looked at or deleted."""

import threading
from pathlib import Path

from ablation_runner.locks import is_held, take_part, try_lock


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    lock = tmp_path / "below" / ".lock"
    assert not is_held(lock)
    with try_lock(lock) as first:
        assert first
        assert is_held(lock)
        with try_lock(lock) as second:
            assert not second
    with try_lock(lock) as again:
        assert again


def test_looking_at_a_lock_makes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "below" / ".lock")
    assert not (tmp_path / "below").exists()


def test_looking_at_a_lock_again_and_again_keeps_nobody_from_it(tmp_path: Path) -> None:
    lock, done = tmp_path / ".lock", threading.Event()

    def look() -> None:
        while not done.is_set():
            is_held(lock)
            done.wait(0.0005)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(200):
            with try_lock(lock) as mine:
                assert mine
    finally:
        done.set()
        watcher.join()


def test_only_the_first_of_several_is_alone(tmp_path: Path) -> None:
    live = tmp_path / ".live"
    with take_part(live) as (_, alone):
        assert alone
        with take_part(live) as (_, also):
            assert not also
        with try_lock(live) as mine:
            assert not mine
    with take_part(live) as (_, alone):
        assert alone
