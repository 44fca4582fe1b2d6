"""Runs of a small study that are killed, stopped, starved of disk space or damaged, each in a fork of one warm process.

`python faulty_runs.py FOLDER CASES` prints a line of JSON for each case: whether the run that follows the fault has the
results of an undisturbed run, bit for bit, and the same files. What strikes it is in faults.py.
"""

import functools
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from faults import DELAY, FAULTS, count_writes_and_events, forked, run

import ablation_runner.plan._trials as planned
import ablation_runner.trial._work as worker
import ablation_runner.trial.training.stage as stages
import ablation_runner.work_off as rounds
from ablation_runner.running import missing

STUDY = """
title = "Does a second layer help?"
question = "One layer or two?"
seeds = [0]
[baseline]
data = { task = { name = "scenes", tasks = ["object"], size = 64, train = 24, validation = 4, test = 8 }, validation_images = 2 }
encoder = { name = "efficientnet-lite0", image_size = 64 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 32, depth = 1 } }
training = { steps = 12, images_per_step = 2, questions_per_image = 2, learning_rate = 3e-3, validations = 2 }
[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]
[engine]
checkpoint_every = 5
[[claims]]
text = "A second layer helps."
arm = "mlp"
kind = "better"
"""
SHORT_LEASE = 1.0  # seconds


def results(runs: Path) -> dict[str, pl.DataFrame]:
    """The rows and curves of every trial."""
    return {
        str(path.relative_to(runs)): pl.read_parquet(path)
        for path in sorted(runs.glob("study/trials/*/*.parquet"))
    }


def assert_same_results(runs: Path, others: Path) -> None:
    """Only ever in a fork: polars starts threads, which later forks would miss."""
    ours, theirs = results(runs), results(others)
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equals(theirs[name]) for name in ours)
    assert len(ours) == 6


def files(runs: Path) -> set[str]:
    return {str(path.relative_to(runs)) for path in runs.rglob("*") if path.is_file()}


def prepared_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def examine(case: dict[str, Any], folder: Path, undisturbed: Path) -> dict[str, Any]:
    """What is left of a fault once the study has been run again."""
    fault = FAULTS[case["fault"]](*case.get("with", []), **case.get("options", {}))
    prepared_folder(folder)
    code = forked(lambda: fault(folder))
    after = forked(lambda: run(folder))
    found = {
        "case": case,
        "exit_code": code,
        "exit_code_after": after,
        "same_results": forked(lambda: assert_same_results(folder / "runs", undisturbed / "runs")) == 0,
        "other_files": sorted(files(folder / "runs") ^ files(undisturbed / "runs")),
    }
    shutil.rmtree(folder)
    return found


def start_runner(folder: Path, log: Path) -> int:
    """A fork that runs the study and logs its events; its process id."""

    def emit(event: str, **fields: Any) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{event} {fields.get('trial')}\n")

    if child := os.fork():
        return child
    code = 1
    try:
        worker.emit = emit
        run(folder)
        code = 0
    finally:
        os._exit(code)


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def two_runners(folder: Path) -> list[str]:
    """The trials that two runners of one study started, in the order of their starts."""
    prepared_folder(folder)
    children = [start_runner(folder, folder / "log") for _ in range(2)]
    assert [exit_code(child) for child in children] == [0, 0]
    lines = (folder / "log").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("trial ") for line in lines if line.startswith("trial ")]


def stopped_runner(folder: Path, undisturbed: Path) -> dict[str, Any]:
    """A runner that stands still in its first trial for longer than its leases last, while another runs the study."""
    prepared_folder(folder)
    for module, name in ((missing, "is_leased"), (rounds, "try_lease"), (stages, "try_lease")):
        setattr(module, name, functools.partial(getattr(module, name), lasts=SHORT_LEASE))
    stopped = start_runner(folder, folder / "log")
    while not ((folder / "log").exists() and "step " in (folder / "log").read_text(encoding="utf-8")):
        time.sleep(0.01)
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(2 * SHORT_LEASE)
    other = exit_code(start_runner(folder, folder / "other"))
    os.kill(stopped, signal.SIGCONT)
    return {
        "exit_code": exit_code(stopped),
        "exit_code_after": other,
        "same_results": forked(lambda: assert_same_results(folder / "runs", undisturbed / "runs")) == 0,
        "other_files": sorted(files(folder / "runs") ^ files(undisturbed / "runs")),
        "lost": (folder / "log").read_text(encoding="utf-8").count("lost "),
    }


def answers(folder: Path, cases: list[Any]) -> Iterator[dict[str, Any]]:
    undisturbed = prepared_folder(folder / "undisturbed")
    began = time.monotonic()
    writes, events = count_writes_and_events(undisturbed)
    yield {"undisturbed": True, "writes": writes, "events": events, "seconds": time.monotonic() - began}
    for number, case in enumerate(cases):
        if case == "two runners":
            yield {"case": case, "started": two_runners(folder / str(number))}
        elif case == "a stopped runner":
            yield {"case": case, **stopped_runner(folder / str(number), undisturbed)}
        elif isinstance(case, dict) and case.get("every"):  # all failpoints of a kind, or every so manieth
            for at in range(0, writes, case["every"]):
                struck = {"fault": case["fault"], "with": [at]}
                yield examine(struck, folder / f"{number}-{at}", undisturbed)
        elif isinstance(case, dict) and case.get("spread"):  # instants after all events in turn, ever later
            for at in range(case["spread"]):
                instant = [at % events, DELAY * (at // events)]
                struck = {"fault": case["fault"], "with": instant}
                yield examine(struck, folder / f"{number}-{at}", undisturbed)
        else:
            yield examine(case, folder / str(number), undisturbed)


if __name__ == "__main__":
    import deepspeed  # noqa: F401 (warm, so that forks need not import it)
    import timm  # noqa: F401 (likewise)
    import transformers.models.llama.modeling_llama  # noqa: F401

    # All forks run what this process has loaded, also where the files are edited meanwhile.
    planned.source_digest = functools.cache(planned.source_digest)
    planned.source_digest(*planned._SOURCES)

    for answer in answers(Path(sys.argv[1]), json.loads(sys.argv[2])):
        sys.stdout.write(f"answer {json.dumps(answer)}\n")
        sys.stdout.flush()
