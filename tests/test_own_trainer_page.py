"""The page about trainers of one's own tells the truth: its studies run, with its trainer and with lm-eval's logs."""

import re
import sys
from pathlib import Path

import pytest

from ablation_runner import prepare, run
from ablation_runner.analysis import analyze
from ablation_runner.own_trainer._work import work
from ablation_runner.plan import write_plan

PAGE = (Path(__file__).parent.parent / "docs/own-trainer.md").read_text(encoding="utf-8")
STUDIES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
FILES = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL))

# What stands in for the programs that the page's script calls: the log is in lm-eval's form, a line per document.
PROGRAMS = {
    "torchrun": "import pathlib, sys\nplace = pathlib.Path(sys.argv[-1])\nplace.mkdir(parents=True)\n"
    '(place / "made.txt").write_text(" ".join(sys.argv[1:]))\n',
    "lm_eval": """import json, pathlib, sys
out = pathlib.Path(sys.argv[-1])
made = (out / "model/made.txt").read_text()
connector, images, seed = (made.split()[made.split().index(key) + 1] for key in ("--connector", "--images", "--seed"))
log = out / "model__of__it/samples_chart_questions_2026-11-26T01-00-00.000001.jsonl"
log.parent.mkdir()
with log.open("w") as lines:
    for item in range(40):
        value = (item + int(seed)) % {"linear": 4, "mlp": 8}[connector] > (2 if images == "shuffled" else 0)
        record = {"doc_id": item, "doc": {"chart": f"chart-{item // 2}"}, "filter": "none", "metrics": ["exact_match"]}
        print(json.dumps(record | {"exact_match": float(value)}), file=lines)
""",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's files lie, with `python` and the stand-ins on the path."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin")
    return tmp_path


def test_the_example_supports_both_of_its_claims(folder: Path) -> None:
    (folder / "tokens.toml").write_text(STUDIES[0], encoding="utf-8")
    assert (run("tokens.toml", workers=2) / "report/index.html").is_file()
    found = analyze(prepare("tokens.toml", runs=Path("runs")))
    assert [(claim.verdict, claim.locked) for claim in found.claims] == [
        ("supported", True),
        ("equivalent", True),
    ]
    assert found.questions == 300
    assert [arm.seeds for arm in found.arms] == [(0, 1, 2)] * 4


def test_the_trainer_is_as_short_as_a_trainer_can_be() -> None:
    code = [line for line in FILES["train.py"].splitlines() if line.strip()]
    assert len(code) <= 13


def test_a_script_that_trains_and_calls_lm_eval_is_judged_by_its_logs(folder: Path) -> None:
    for name in ("train_vlm.py", "tasks/chart_questions.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "charts.toml").write_text(STUDIES[1], encoding="utf-8")
    prepared = prepare("charts.toml", runs=Path("runs"))
    write_plan(prepared.folder.plan_file, prepared.trials, prepared.arms)
    work(prepared.folder.path)
    found = analyze(prepared)
    means = {arm.name: arm.mean.estimate for arm in found.arms if arm.mean}
    assert means == pytest.approx({"linear": 30 / 40, "mlp": 35 / 40, "blind": 10 / 40})
    assert (found.questions, found.images) == (40, 20)
