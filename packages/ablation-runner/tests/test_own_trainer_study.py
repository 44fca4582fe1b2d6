"""The study of a trainer of one's own: what its command may say, and what names its trials."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ablation_runner import StudyError, prepare, run
from ablation_runner.plan import CommandTrial, command_line, read_plan, write_plan
from ablation_runner.study import built_in_studies, load_study
from ablation_runner.study._document import study_schema

OwnStudy = Callable[..., Path]


@pytest.fixture
def prepared(own_study: OwnStudy, tmp_path: Path) -> Callable[..., Any]:
    """Prepares the study of a text, with options of `prepare`."""

    def make(*text: str, **options: Any) -> Any:
        return prepare(str(own_study(*text)), runs=tmp_path / "runs", **options)

    return make


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{encoder}", "{encodr}", "{encodr} is no setting of [baseline]; did you mean 'encoder'?"),
        ('images = "paired"', 'images = "paired"\nlr = 0.1', "engine.command has no {lr}, so the setting would"),
        ("--seed {seed}", "", "engine.command: has no {seed}, the seed"),
        ("--out {out}", "", "engine.command: has no {out}, the folder of the results"),
        ("--seed {seed}", "--seed {seed:d}", "a placeholder is a name in braces"),
        ("--seed {seed}", "--seed {seed} {", "engine.command"),
        ("--seed {seed}", "--name 'a --seed {seed}", "engine.command: No closing quotation"),
        ('encoder = "pixels"', 'encoder = "pixels"\nseed = 3', "'seed' is filled in by the runner"),
        ('encoder = "pixels"', 'encoder = ["pixels"]', "baseline.encoder"),
        ('images = "shuffled"', 'image = "shuffled"', "no such path 'image'"),
        ('path = "encoder"', 'path = "model.encoder"', "no such path 'model.encoder'"),
        ("sources =", "precision =", "engine.precision: unknown key"),
        ("items.csv", "../items.csv", "leads out of {out}"),
        ("train.py\"]", "nowhere.py\"]", "engine.sources: 'nowhere.py' names no file"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(
    prepared: Any, own_text: str, old: str, new: str, expected: str
) -> None:
    assert old in own_text
    with pytest.raises(StudyError, match=re.escape(expected)):
        prepared(own_text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('tuning = { path = "images", values = ["a", "b"] }', "tuning needs a validation score"),
        ('conditions = { few = { encoder = "a" } }', "conditions"),
        ('match = "macs"', "match needs a model at hand"),
        ('design = { kind = "greedy-sequential" }', "design.kind needs a validation score"),
    ],
)
def test_what_needs_training_here_is_refused(prepared: Any, own_text: str, line: str, expected: str) -> None:
    with pytest.raises(StudyError, match=re.escape(expected)):
        prepared(f"{line}\n{own_text}")


def test_options_about_training_here_are_refused(prepared: Any) -> None:
    with pytest.raises(
        StudyError, match=r"^2 ranks per trial .*: engine.command .* has no {processes}; write it where"
    ):
        prepared(processes=2)
    with pytest.raises(StudyError, match="--smoke shortens training that is done here"):
        prepared(smoke=True)


def test_hosts_are_for_trials_that_are_trained_here(own_study: OwnStudy, own_text: str) -> None:
    study = own_study(own_text.replace("{encoder}", "{encoder} --ranks {processes}"))
    hosts = study.with_name("hosts")
    hosts.write_text("localhost slots=2", encoding="utf-8")
    with pytest.raises(StudyError, match="starts its own ranks; name the hosts there"):
        run(str(study), runs=study.parent / "runs", hostfile=hosts)
    assert not (study.parent / "runs").exists()  # before anything starts


def test_a_study_that_is_trained_here_has_its_own_blind_arm(tmp_path: Path) -> None:
    text = built_in_studies()["fusion-method"].read_text(encoding="utf-8")
    (tmp_path / "other.toml").write_text(f'{text}\n[blind]\nimages = "shuffled"\n', encoding="utf-8")
    with pytest.raises(StudyError, match="blind belongs to an engine with a command"):
        load_study(tmp_path / "other.toml")


@pytest.mark.parametrize(
    "value", ["two words", "; rm -rf /", "$(id) `id`", "'", '\\"', "{seed}", "--flag", "*"]
)
def test_whatever_a_value_holds_it_is_one_argument(prepared: Any, value: str) -> None:
    study = prepared(overrides=[f"encoder={own_toml(value)}"])
    words = command_line(study.trials[0], out=Path("results of it"))
    assert words[1:] == [
        "train.py",
        "--out",
        "results of it",
        "--seed",
        "0",
        "--encoder",
        value,
        "--images=paired",
    ]


def own_toml(text: str) -> str:
    """A TOML basic string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_true_and_false_are_written_as_in_toml_and_doubled_braces_are_braces(
    prepared: Any, own_text: str
) -> None:
    text = own_text.replace('encoder = "pixels"', 'encoder = "pixels"\nflip = true')
    study = prepared(text.replace("{encoder}", "{encoder} {{x}} --flip {flip}"))
    assert command_line(study.trials[0], out=Path("o"))[-4:] == ["{x}", "--flip", "true", "--images=paired"]


def test_the_command_is_told_how_many_ranks_to_start(prepared: Any, own_text: str) -> None:
    text = own_text.replace("{encoder}", "{encoder} --ranks {processes}")
    one, four = (prepared(text, processes=processes).trials[0] for processes in (1, 4))
    assert command_line(four, out=Path("o"))[-3:] == ["--ranks", "4", "--images=paired"]
    assert (one.processes, four.processes) == (1, 4)
    assert one.name != four.name


def test_the_blind_arm_is_made_as_the_study_says(prepared: Any) -> None:
    study = prepared()
    assert [arm.name for arm in study.arms] == ["pixels", "clip", "blind"]
    assert study.arms[-1].configuration.values() == {"encoder": "pixels", "images": "shuffled"}
    assert study.blind == "blind"


def test_without_a_word_of_it_there_is_no_blind_arm(prepared: Any, own_text: str) -> None:
    study = prepared(own_text.replace('[blind]\nimages = "shuffled"\n', ""))
    assert [arm.name for arm in study.arms] == ["pixels", "clip"]
    assert study.blind is None


@pytest.mark.parametrize(
    ("old", "new", "same_run"),
    [
        ("--out", "--into", False),
        ('images = "paired"', 'images = "other"', False),
        ("seeds = [0, 1]", "seeds = [2, 3]", False),
        ("sources =", "threads = 2\nsources =", False),
        ('metric = "accuracy"', 'metric = "f1"', True),
        ("items.csv", "rows.csv", True),
        ("sources =", 'cluster = "image"\nsources =', True),
    ],
)
def test_what_determines_the_run_names_it_and_what_is_read_of_it_the_trial(
    prepared: Any, own_text: str, old: str, new: str, same_run: bool
) -> None:
    before, after = (
        {trial.name: trial.stages for trial in prepared(text).trials if trial.arm != "blind"}
        for text in (own_text, own_text.replace(old, new, 1))
    )
    assert not set(before) & set(after)
    assert bool(set(before.values()) & set(after.values())) == same_run


def test_without_sources_nothing_is_another_study_s(prepared: Any, own_text: str) -> None:
    bare = own_text.replace('sources = ["train.py"]\n', "")
    other = bare.replace("Which encoder?", "Whose encoder?")
    runs = [{trial.stages for trial in prepared(text).trials} for text in (bare, other)]
    assert not runs[0] & runs[1]
    listed = [text.replace("results =", 'sources = ["train.py"]\nresults =') for text in (bare, other)]
    assert {trial.stages for trial in prepared(listed[0]).trials} == {
        trial.stages for trial in prepared(listed[1]).trials
    }


def test_more_seeds_and_the_same_sources_leave_what_there_is(
    prepared: Any, own_text: str, tmp_path: Path
) -> None:
    names = [trial.name for trial in prepared().trials]
    assert len(set(names)) == 6
    more = prepared(own_text.replace("seeds = [0, 1]", "seeds = [0, 1, 2]")).trials
    assert [trial.name for trial in more][:6] == names
    (tmp_path / "train.py").write_text("changed = True\n", encoding="utf-8")
    other = prepare("own.toml", runs=tmp_path / "runs").trials
    assert not {trial.name for trial in other} & {trial.name for trial in more}


def test_a_written_plan_reads_back_as_it_was(prepared: Any, tmp_path: Path) -> None:
    study = prepared()
    write_plan(tmp_path / "plan.parquet", study.trials, study.arms)
    assert read_plan(tmp_path / "plan.parquet") == study.trials
    assert all(isinstance(trial, CommandTrial) for trial in read_plan(tmp_path / "plan.parquet"))


def test_an_editor_checks_the_file_by_the_schema(own_text: str) -> None:
    validator = jsonschema.Draft202012Validator(study_schema())
    raw = tomllib.loads(own_text)
    assert list(validator.iter_errors(raw)) == []
    raw["engine"] |= {"precision": "float32", "threads": 0}
    raw["baseline"]["encoder"] = ["clip"]
    found = {error.json_path for error in validator.iter_errors(raw)}
    assert found == {"$.engine", "$.engine.threads", "$.baseline.encoder"}


def test_a_value_is_set_from_the_command_line_under_its_own_name(prepared: Any) -> None:
    assert prepared(overrides=['images="others"']).study.baseline.values()["images"] == "others"
    with pytest.raises(StudyError, match=r"unknown key 'imags'; did you mean 'images'"):
        prepared(overrides=['imags="others"'])
