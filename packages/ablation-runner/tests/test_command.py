"""The command, run as a user runs it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def results(run: Path) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Trial name to its predictions and its curve."""
    trials = sorted((run / "trials").iterdir())
    return {
        trial.name: (pl.read_parquet(trial / "items.parquet"), pl.read_parquet(trial / "train.parquet"))
        for trial in trials
    }


def assert_same_results(one: Path, other: Path) -> None:
    left, right = results(one), results(other)
    assert left.keys() == right.keys()
    for name in left:
        for ours, theirs in zip(left[name], right[name], strict=True):
            assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "fusion-methd"], "unknown study 'fusion-methd'; did you mean 'fusion-method'?"),
        (["run", "missing.toml"], "missing.toml: no such file"),
        (["plan", "fusion-method", "--processes", "5"], "does not divide among 5 ranks"),
    ],
)
def test_a_refusal_is_one_line_exit_code_2_and_writes_nothing(
    ablate: Ablate, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    done = ablate(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_help_studies_and_refusals_import_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from ablation_runner.cli import app; from ablation_runner.study import find_study, load_study\n"
        "load_study(find_study('fusion-method'))\n"
        "heavy = {'torch', 'transformers', 'deepspeed', 'altair'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_the_study_is_listed_with_its_question(ablate: Ablate, tmp_path: Path) -> None:
    assert "How should frozen image features" in ablate(tmp_path, "studies").stdout


def test_a_missing_data_package_is_named_with_its_extra(tmp_path: Path, tiny_study: Path) -> None:
    hide = tmp_path / "sitecustomize.py"
    hide.write_text("import sys; sys.modules['easy_vqa'] = None", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ablation_runner", "run", str(tiny_study)],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "vlm-tasks[easy-vqa]" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def finished(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory, tiny_text: str) -> Path:
    """A folder in which the tiny study has run undisturbed, by as many workers as there are cores."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(tiny_text, encoding="utf-8")
    done = ablate(folder, "run", "tiny.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_run_leaves_rows_curves_a_lock_and_a_report(finished: Path) -> None:
    run = finished / "runs" / "tiny"
    assert {"concatenation", "mlp", "blind"} == {name.split("-seed")[0] for name in results(run)}
    for items, curve in results(run).values():
        assert items.height == 64
        assert {"arm", "seed", "task", "item", "cluster", "metric", "value", "weight", "valid"} <= set(
            items.columns
        )
        assert curve.filter(split="validation")["step"].to_list() == [4, 8, 12]
    lock = json.loads((run / "study.lock.json").read_text(encoding="utf-8"))
    assert len(lock["claims"]) == 1
    assert "Does a second layer help?" in (run / "report" / "index.html").read_text(encoding="utf-8")
    assert not list(finished.glob("runs/stages/*/checkpoint"))


def test_running_again_does_nothing_but_say_so(ablate: Ablate, finished: Path) -> None:
    written = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    again = ablate(finished, "run", "tiny.toml")
    assert "Nothing to do: all 6 trials of tiny are finished." in again.stdout
    assert written == {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}


def test_a_killed_run_continues_to_the_same_bits_whatever_the_workers(
    ablate: Ablate, finished: Path, tmp_path: Path, tiny_study: Path
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "ablation_runner", "run", str(tiny_study), "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    runs = tmp_path / "runs"
    until = time.monotonic() + 120
    while not list(runs.glob("stages/*/checkpoint/latest.json")):
        assert time.monotonic() < until, "no checkpoint was written"
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not list(runs.glob("tiny/trials/concatenation-seed1-*/trial.json"))
    continued = ablate(tmp_path, "run", tiny_study, "--workers", 1)
    assert continued.returncode == 0, continued.stdout + continued.stderr
    assert "continues at step" in continued.stdout
    assert_same_results(tmp_path / "runs" / "tiny", finished / "runs" / "tiny")


def test_zero_3_in_bfloat16_with_accumulation_trains_and_tests(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    engine = '[engine]\nzero_stage = 3\nprecision = "bfloat16"\naccumulation = 2\nschedule = "linear"'
    text = tiny_text.replace("[engine]", engine).replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    for _, curve in results(tmp_path / "runs" / "tiny").values():
        losses = curve.filter(split="validation")["loss"].to_list()
        assert losses[-1] < losses[0]


def test_two_ranks_through_the_launcher_give_the_same_curves(
    ablate: Ablate, finished: Path, tmp_path: Path, tiny_text: str
) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_text.replace("seeds = [0, 1]", "seeds = [0]"), encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--processes", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    alone = results(finished / "runs" / "tiny")
    together = results(tmp_path / "runs" / "tiny")
    assert len(together) == 3
    for name, (items, curve) in together.items():
        expected_items, expected_curve = alone[name]
        assert items["item"].equals(expected_items["item"])
        assert_frame_equal(curve, expected_curve, check_exact=False, rel_tol=1e-4)
