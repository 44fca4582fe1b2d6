"""Where trials stand, read from files that this test writes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import Prepared, prepare
from ablation_runner.leases import try_lease
from ablation_runner.status import TrialStatus, seconds_left, study_status
from ablation_runner.storage.files import write_json


@pytest.fixture
def prepared(tmp_path: Path, tiny_study: Path) -> Prepared:
    return prepare(str(tiny_study), runs=tmp_path / "runs")


def states(prepared: Prepared) -> dict[str, dict[str, Any]]:
    return {f"{trial['arm']}-{trial['seed']}": trial for trial in study_status(prepared)["trials"]}


def test_a_study_that_has_not_begun_waits_and_nothing_is_written(tmp_path: Path, prepared: Prepared) -> None:
    found = states(prepared)
    assert {trial["state"] for trial in found.values()} == {"waiting"}
    assert {(trial["step"], trial["steps"]) for trial in found.values()} == {(0, 12)}
    assert study_status(prepared)["seconds_left"] is None
    assert not (tmp_path / "runs").exists()


def test_each_state_is_told_from_the_files(prepared: Prepared) -> None:
    run, trials = prepared.folder, prepared.trials
    write_json(run.trial(trials[0].name).record_file, {"status": "finished"})
    write_json(run.trial(trials[1].name).record_file, {"status": "failed", "cause": "the loss is nan"})
    checkpoint = run.stage(trials[2].stages[-1]).checkpoint
    write_json(checkpoint / "latest.json", {"tag": "step-000006", "step": 6, "seconds": 3.0})
    with try_lease(run.trial(trials[2].name).lease_file) as mine:
        assert mine
        found = study_status(prepared)
    by_name = {trial["trial"]: trial for trial in found["trials"]}
    assert by_name[trials[0].name]["state"] == "finished"
    assert by_name[trials[0].name]["step"] == 12
    assert by_name[trials[1].name]["state"] == "failed"
    assert by_name[trials[1].name]["cause"] == "the loss is nan"
    assert by_name[trials[2].name] | {"state": "running", "step": 6} == by_name[trials[2].name]
    assert found["seconds_left"] == pytest.approx((6 + 3 * 12) * 0.5)  # one at a time, half a second a step
    assert (
        states(prepared)[f"{trials[2].arm}-{trials[2].seed}"]["state"] == "waiting"
    )  # nobody holds it any more


def test_a_lease_that_another_process_holds_means_running(prepared: Prepared) -> None:
    lock = prepared.folder.trial(prepared.trials[0].name).lease_file
    code = (
        "import sys; from pathlib import Path; from ablation_runner.leases import try_lease\n"
        "with try_lease(Path(sys.argv[1])) as mine: print(mine is not None, flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    assert holder.stdout.readline() == "True\n"
    first = f"{prepared.trials[0].arm}-{prepared.trials[0].seed}"
    assert states(prepared)[first]["state"] == "running"
    holder.kill()
    holder.communicate()
    assert states(prepared)[first]["state"] == "waiting"


def test_two_at_a_time_take_half_as_long() -> None:
    def trial(state: Any, step: int, pace: float | None) -> TrialStatus:
        return TrialStatus(
            trial="t", arm="a", seed=0, state=state, step=step, steps=100, seconds_per_step=pace, cause=None
        )

    running = [trial("running", 40, 2.0), trial("running", 90, 4.0)]
    assert seconds_left(running) == (60 * 2 + 10 * 4) / 2
    assert seconds_left([*running, trial("waiting", 0, None)]) == (60 * 2 + 10 * 4 + 100 * 3) / 2
    assert seconds_left([*running, trial("failed", 0, None), trial("finished", 100, None)]) == (120 + 40) / 2
    assert seconds_left([trial("waiting", 0, 1.0)]) is None


def test_the_command_says_it_for_people_and_for_scripts(tmp_path: Path, tiny_study: Path) -> None:
    command = [sys.executable, "-m", "ablation_runner", "status", str(tiny_study)]
    for_people = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "tiny: 6 waiting" in for_people
    assert f"To go on: ablate run {tiny_study}" in for_people
    for_scripts = subprocess.run(
        [*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len(json.loads(for_scripts.stdout)["trials"]) == 6
