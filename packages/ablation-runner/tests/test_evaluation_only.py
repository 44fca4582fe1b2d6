"""Studies that train nothing, as a user runs them: the checkpoint of a run, and a model of transformers."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tiny_vlm import save_vlm

Ablate = Callable[..., subprocess.CompletedProcess[str]]

TESTED = """
title = "Which budget?"
question = "Four tokens or sixteen?"
seeds = [0, 1]
stages = []

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
tokens = { budget = 4 }

[baseline.model]
connector = "mlp"
language_model = { name = "llama-tiny", width = 32, depth = 1 }
checkpoint = { run = "runs/tiny", arm = "mlp" }

[factors.budget]
path = "tokens.budget"
levels = [4, 16]

[[claims]]
text = "More tokens help."
arm = "budget-16"
kind = "better"
"""
VLM = """
title = "Does the middle tell enough?"
question = "Whole images or their middle?"
seeds = [0]
stages = []

[baseline]
data = { task = "easy-vqa", limit = 64 }
model = { checkpoint = { transformers = "llava", max_new_tokens = 4 } }

[factors.crop]
path = "model.checkpoint.processor"
levels = { middle = { size = { shortest_edge = 48 } } }

[conditions.few]
"data.limit" = 16

[[claims]]
text = "The middle is enough."
arm = "middle"
kind = "not-worse"
margin = 0.05
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory, tiny_text: str) -> Path:
    """A folder with a study that was trained, one that tests its checkpoints, and one that tests a model of transformers."""
    folder = tmp_path_factory.mktemp("evaluation-only")
    save_vlm(folder / "llava")
    for name, text in (("tiny", tiny_text), ("tested", TESTED), ("vlm", VLM)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        done = ablate(folder, "run", f"{name}.toml", "--workers", 1)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def answers(folder: Path, study: str, arm: str, seed: int) -> pl.DataFrame:
    (file,) = folder.glob(f"runs/{study}/trials/{arm}-seed{seed}-*/items.parquet")
    return pl.read_parquet(file).drop("arm").sort("condition", "item")


def test_a_checkpoint_answers_as_the_trial_that_trained_it(ran: Path) -> None:
    for seed in (0, 1):
        trained = answers(ran, "tiny", "mlp", seed)
        assert answers(ran, "tested", "budget-4", seed).equals(trained)
        assert answers(ran, "tested", "budget-16", seed)["item"].equals(trained["item"])
    assert not answers(ran, "tested", "budget-4", 0).equals(answers(ran, "tested", "budget-4", 1))


def test_nothing_is_trained_and_the_report_says_so(ran: Path) -> None:
    before = {path.name for path in ran.glob("runs/stages/*")}
    trained = {
        stage["key"] for path in ran.glob("runs/tiny/trials/*/trial.json") for stage in read(path)["stages"]
    }
    assert before == trained
    assert not list(ran.glob("runs/tested/trials/*/train.parquet"))
    report = (ran / "runs/tested/report/report.md").read_text(encoding="utf-8")
    assert "Nothing was trained" in report
    assert "one set of weights" not in report  # two seeds are two training runs
    assert "Convergence not known" not in report


def test_one_checkpoint_is_compared_over_questions_alone(ran: Path) -> None:
    report = (ran / "runs/vlm/report/report.md").read_text(encoding="utf-8")
    assert "about these weights and other questions, not about other training runs" in report
    page = (ran / "runs/vlm/report/index.html").read_text(encoding="utf-8")
    assert "learning-curves" not in page


def test_plan_status_and_a_second_run_know_that_it_is_done(ablate: Ablate, ran: Path) -> None:
    for study, arms in (("tested", 3), ("vlm", 3)):
        plan = json.loads(ablate(ran, "plan", f"{study}.toml", "--json").stdout)
        assert plan["steps"] == 0
        assert all(arm["parameters"] > 0 and arm["memory"]["optimizer"] == 0 for arm in plan["arms"])
        assert all(trial["finished"] for trial in plan["trials"])
        status = json.loads(ablate(ran, "status", f"{study}.toml", "--json").stdout)
        assert {(trial["state"], trial["steps"]) for trial in status["trials"]} == {("finished", 0)}
        assert len({trial["arm"] for trial in status["trials"]}) == arms
        assert "Nothing to do" in ablate(ran, "run", f"{study}.toml").stdout


def test_what_is_tested_elsewhere_is_no_garbage(ablate: Ablate, ran: Path) -> None:
    (ran / "runs/tiny/plan.parquet").rename(ran / "plan.parquet")
    (ran / "runs/tiny").rename(ran / "tiny-run")
    listed = ablate(ran, "clean").stdout
    (ran / "tiny-run").rename(ran / "runs/tiny")
    (ran / "plan.parquet").rename(ran / "runs/tiny/plan.parquet")
    used = {
        stage["key"]
        for path in ran.glob("runs/tiny/trials/mlp-*/trial.json")
        for stage in read(path)["stages"]
    }
    unused = {path.name for path in ran.glob("runs/stages/*")} - used
    assert not any(key in listed for key in used)
    assert all(key in listed for key in unused)


def read(path: Path) -> dict[str, list[dict[str, str]]]:
    record: dict[str, list[dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return record
