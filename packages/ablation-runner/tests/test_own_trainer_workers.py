"""Workers whose trials are commands: several on one study, and what becomes of a command when its worker ends."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import prepare, run
from ablation_runner.plan import write_plan

OwnStudy = Callable[..., Path]


def test_two_workers_run_each_trial_once(own_study: OwnStudy) -> None:
    study = own_study(before='(out / "runs").open("a").write("x"); import time; time.sleep(0.2)')
    prepared = prepare(str(study), runs=study.parent / "runs")
    write_plan(prepared.folder.plan_file, prepared.trials, prepared.arms)
    with started(prepared) as first, started(prepared) as second:
        assert (first.wait(timeout=120), second.wait(timeout=120)) == (0, 0)
    runs = [(prepared.folder.stage(trial.stages[0]).out / "runs").read_text() for trial in prepared.trials]
    assert runs == ["x"] * 6
    assert {
        record["status"]
        for record in (prepared.folder.trial(trial.name).record() for trial in prepared.trials)
    } == {"finished"}


@pytest.mark.slow
def test_ranks_are_started_by_the_command_alone(own_study: OwnStudy, own_text: str) -> None:
    text = own_text.replace("[0, 1]", "[0]").replace("{encoder}", "{encoder} --ranks {processes}")
    study = own_study(text, before='(out / "ranks").open("a").write(given["ranks"])')
    path = run(str(study), runs=study.parent / "runs", processes=2, workers=1)
    assert sorted(file.read_text() for file in path.parent.glob("stages/*/out/ranks")) == ["2", "2", "2"]


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found through /proc")
@pytest.mark.parametrize("end", ["kill", "close"])
def test_the_end_of_a_worker_ends_its_command_and_all_that_this_started(
    own_study: OwnStudy, end: str
) -> None:
    # The command starts a process in a session of its own, as torchrun does with its ranks.
    child = "import subprocess, os\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\nos.execvp('sleep', ['sleep', '301'])"
    study = own_study(before=child)
    prepared = prepare(str(study), runs=study.parent / "runs")
    write_plan(prepared.folder.plan_file, prepared.trials, prepared.arms)
    with started(prepared) as worker:
        waited_for(lambda: len(sleeping(study.parent)) == 2)
        if end == "kill":
            worker.kill()
    # The block has closed its standard input, which is what happens when the command that started it dies.
    waited_for(lambda: not sleeping(study.parent))


def started(prepared: Any) -> subprocess.Popen[bytes]:
    """A worker as `ablate run` starts it."""
    command = [sys.executable, "-m", "ablation_runner.trial", str(prepared.folder.path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def waited_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def sleeping(folder: Path) -> list[int]:
    """Processes called sleep that run in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "comm").read_text() == "sleep\n" and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_the_worker_of_a_command_imports_no_torch() -> None:
    code = "import json, sys, ablation_runner.own_trainer._work; print(json.dumps([m for m in ('torch', 'transformers', 'deepspeed') if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
