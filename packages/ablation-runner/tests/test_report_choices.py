"""The report's table of what was chosen on validation: tuned values and levels of a greedy search."""

import dataclasses
import json
import runpy
from pathlib import Path

from ablation_runner.analysis import analyze
from ablation_runner.plan import Trial
from ablation_runner.report import write_report
from ablation_runner.running.prepared import Prepared
from ablation_runner.storage.records import write_record

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
HEAD = MADE["STUDY"].split("[design]")[0]
CONNECTOR = '[factors.connector]\npath = "model.connector"\nlevels = ["concatenation", "mlp"]\n'
BUDGET = '[factors.budget]\npath = "tokens.budget"\nlevels = [16, 64]\n'
TUNING = '[tuning]\npath = "training.learning_rate"\nvalues = [1e-3, 3e-3]\n'


def validated(prepared: Prepared, trial: Trial, accuracy: float) -> None:
    """A finished trial with its accuracy on validation."""
    tested = trial if trial.conditions else dataclasses.replace(trial, conditions={"as-trained": trial.name})
    MADE["write_trial"](prepared, tested, MADE["questions"](12), score=lambda *_: 0.6)
    place = prepared.folder.trial(trial.name)
    record = json.loads(place.record_file.read_text()) | {"validation_accuracy": accuracy}
    record.pop("files", None)
    write_record(place.record_file, record, files=[place.curve_file, place.items_file])


def test_every_arm_has_the_value_that_was_best_for_it(tmp_path: Path) -> None:
    (tmp_path / "made.toml").write_text(HEAD + CONNECTOR + TUNING)
    prepared = MADE["prepare"](str(tmp_path / "made.toml"), runs=tmp_path)
    for trial, accuracy in zip(prepared.tuning, [0.5, 0.6, 0.8, 0.7, 0.4, 0.3], strict=True):
        validated(prepared, trial, accuracy)
    prepared = prepared.plan_again()
    for trial in prepared.trials:
        validated(prepared, trial, 0.7)
    results = analyze(prepared)
    assert [(each.of, each.picked) for each in results.choices] == [
        ("concatenation", "0.003"),
        ("mlp", "0.001"),
        ("blind", "0.001"),
    ]
    text = " ".join(READER(write_report(results, tmp_path / "report").read_text()).text.split())
    assert "training.learning_rate = 0.001" in text
    assert "80.0 % picked" in text
    assert "training.learning" in (tmp_path / "report" / "tables.tex").read_text()


def test_a_greedy_search_shows_every_level_it_chose_among(tmp_path: Path) -> None:
    (tmp_path / "made.toml").write_text(HEAD + '[design]\nkind = "greedy-sequential"\n' + CONNECTOR + BUDGET)
    prepared = MADE["prepare"](str(tmp_path / "made.toml"), runs=tmp_path)
    while True:
        for trial in prepared.trials:
            validated(prepared, trial, 0.9 if trial.arm == "mlp" else 0.5)
        if prepared.is_last:
            break
        prepared = prepared.plan_again()
    found = analyze(prepared).choices
    assert [(each.of, each.picked) for each in found] == [("connector", "mlp"), ("budget", "budget-16")]
    assert dict(found[1].candidates) == {"budget-16": 0.9, "budget-64": 0.5}


def test_a_study_that_chose_nothing_has_no_such_part(tmp_path: Path) -> None:
    results = analyze(MADE["make_run"](tmp_path, HEAD + CONNECTOR, asked=12))
    assert results.choices == ()
    assert 'id="choices"' not in write_report(results, tmp_path / "report").read_text()
