"""Trials in the command's own process, and several studies in one command."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablation_runner import prepare
from ablation_runner.errors import StudyError
from ablation_runner.running.in_process import refuse_other_processes

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def test_several_ranks_do_not_fit_into_one_process(tiny_study: Path, tmp_path: Path) -> None:
    refuse_other_processes(prepare(str(tiny_study), runs=tmp_path).trials)
    with pytest.raises(StudyError, match=r"--workers 0 .* concatenation-seed0-\w+ is 2 ranks; use 1 or more"):
        refuse_other_processes(prepare(str(tiny_study), runs=tmp_path, processes=2).trials)


def test_all_studies_are_checked_before_the_first_one_runs(
    tiny_study: Path, ablate: Ablate, tmp_path: Path
) -> None:
    done = ablate(tmp_path, "run", tiny_study, "no-such-study", "--workers", 0)
    assert done.returncode == 2
    assert "unknown study 'no-such-study'" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_studies_run_in_one_process_to_the_results_that_workers_give(
    tiny_text: str, ablate: Ablate, tmp_path: Path
) -> None:
    names = ["first.toml", "second.toml"]
    for name, title in zip(names, ("One?", "Two?"), strict=True):
        (tmp_path / name).write_text(tiny_text.replace("Does a second layer help?", title), encoding="utf-8")
    here = ablate(tmp_path, "run", *names, "--workers", 0, "--runs", "here")
    assert here.returncode == 0, here.stdout + here.stderr
    assert here.stdout.count("one after the other in this process") == 2
    other = ablate(tmp_path, "run", "first.toml", "--workers", 1, "--runs", "other")
    assert other.returncode == 0, other.stdout + other.stderr
    files = sorted((tmp_path / "here/first").glob("trials/*/items.parquet"))
    assert len(files) == 6
    for file in files:
        twin = tmp_path / "other" / file.relative_to(tmp_path / "here")
        assert pl.read_parquet(file).equals(pl.read_parquet(twin))
    assert (tmp_path / "here/second/report/index.html").is_file()
