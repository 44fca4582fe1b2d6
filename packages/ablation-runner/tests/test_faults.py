"""A study that was killed, starved or damaged anywhere goes on to the same bits, and leaves no file behind."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("faulty_runs.py")


def answers(folder: Path, *cases: Any) -> list[dict[str, Any]]:
    """What became of each case; the first answer is the undisturbed run's."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), json.dumps(cases)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("answer ")]
    return [json.loads(line.removeprefix("answer ")) for line in lines]


def assert_mended(found: list[dict[str, Any]], *, killed_by: int | None = None) -> None:
    assert found
    for answer in found:
        assert answer["exit_code_after"] == 0, answer
        assert answer["same_results"], answer
        assert answer["other_files"] == [], answer
        assert killed_by is None or answer["exit_code"] == -killed_by, answer


def test_a_killed_study_goes_on_and_two_runners_share_one(tmp_path: Path) -> None:
    cases = ({"fault": "kill_at_write", "with": [30]}, "two runners", "a stopped runner")
    _, killed, shared, stopped = answers(tmp_path, *cases)
    assert_mended([killed], killed_by=9)
    assert len(shared["started"]) == 3
    assert set(Counter(shared["started"]).values()) == {1}
    assert_mended([stopped], killed_by=None)
    assert stopped["exit_code"] == 0
    assert stopped["lost"] == 1


@pytest.mark.slow
def test_a_kill_at_every_write_rename_and_flush_changes_nothing(tmp_path: Path) -> None:
    undisturbed, *found = answers(tmp_path, {"fault": "kill_at_write", "every": 1})
    assert len(found) == undisturbed["writes"] > 80
    assert_mended(found, killed_by=9)


@pytest.mark.slow
def test_a_kill_at_fifty_instants_changes_nothing(tmp_path: Path) -> None:
    _, *found = answers(tmp_path, {"fault": "kill_at_event", "spread": 50})
    assert len(found) == 50
    # After the last event of all a run may end before it is struck.
    assert sum(answer["exit_code"] == -9 for answer in found) >= 45
    assert_mended(found)


@pytest.mark.slow
def test_a_full_disk_changes_nothing_once_there_is_room(tmp_path: Path) -> None:
    sizes = [{"fault": "limit_file_size", "with": [size]} for size in (0, 1000, 5000, 50_000)]
    _, *found = answers(tmp_path, {"fault": "fill_disk_at_write", "every": 5}, *sizes)
    assert_mended(found)


@pytest.mark.slow
def test_a_truncated_file_is_made_again(tmp_path: Path) -> None:
    finished = [
        "study/trials/*/items.parquet", "study/trials/*/train.parquet", "study/trials/*/trial.json",
        "study/plan.parquet", "study/study.lock.json", "study/study.toml",
        "stages/*/stage.json", "stages/*/weights.safetensors",
    ]  # fmt: skip
    features = ["features/*/shard-*.safetensors", "features/*/shard-*.json", "features/*/index.json"]
    checkpoints = ["stages/*/checkpoint/*.safetensors", "stages/*/checkpoint/latest.json"]
    cases = [{"fault": "truncate", "with": [pattern]} for pattern in finished]
    cases += [
        {"fault": "truncate", "with": [pattern], "options": {"interrupted_at_event": 4}}
        for pattern in (*features, *checkpoints)
    ]
    _, *found = answers(tmp_path, *cases)
    assert len(found) == len(finished) + len(features) + len(checkpoints)
    for answer in found:
        # A stage that no missing trial needs is not trained again: its record alone is gone until somebody needs it.
        unneeded = any(
            pattern.startswith("stages/*/") and "checkpoint" not in pattern
            for pattern in answer["case"]["with"]
        )
        others = [name for name in answer["other_files"] if not (unneeded and name.endswith("/stage.json"))]
        assert answer["same_results"], answer
        assert others == [], answer
