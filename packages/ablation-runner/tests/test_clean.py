"""What `ablate clean` finds and deletes, in a runs folder that these tests fill."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation_runner import Prepared, StudyError, prepare
from ablation_runner.cleaning.clean import delete_garbage
from ablation_runner.cleaning.garbage import find_garbage
from ablation_runner.leases import take_part, try_lease
from ablation_runner.plan import write_plan
from ablation_runner.storage.files import write_json
from vlm_tasks import create_task

OLD = "mlp-seed0-00000000"


def write_store(folder: Path, *, image_size: int, images: list[str]) -> None:
    spec = {
        "name": "efficientnet-lite0",
        "image_size": [image_size] * 2,
        "feature_layer": -2,
        "final_norm": False,
    }
    write_json(folder / "index.json", {"key": {"spec": spec}, "shards": [{"ids": images}]})


@pytest.fixture
def planned(tmp_path: Path, tiny_study: Path) -> Prepared:
    """A study whose plan is written, with a folder for its first trial and the stage of it."""
    prepared = prepare(str(tiny_study), runs=tmp_path / "runs")
    write_plan(prepared.folder.plan_file, prepared.trials, prepared.arms)
    write_json(prepared.folder.trial(prepared.trials[0].name).record_file, {"status": "finished"})
    write_json(prepared.folder.stage(prepared.trials[0].stages[-1]).record_file, {})
    return prepared


@pytest.fixture
def found(tmp_path: Path, planned: Prepared) -> Callable[..., set[tuple[str, str]]]:
    """Kind and path of what is found."""

    def find(study: str | None = None) -> set[tuple[str, str]]:
        runs = tmp_path / "runs"
        return {(each.kind, str(each.path.relative_to(runs))) for each in find_garbage(runs, study=study)}

    return find


def test_what_the_plan_refers_to_is_no_garbage(found: Callable[..., set[tuple[str, str]]]) -> None:
    assert found() == set()


def test_trials_stages_checkpoints_and_left_over_files_are_found(
    planned: Prepared, found: Callable[..., set[tuple[str, str]]]
) -> None:
    run = planned.folder
    finished = run.stage(planned.trials[0].stages[-1])
    waiting = run.stage(planned.trials[1].stages[-1])
    write_json(run.trial(OLD).record_file, {"status": "finished"})
    write_json(run.trial(OLD).path / ".items.parquet.77", {})
    write_json(run.stage("0123456789abcdef").record_file, {})
    write_json(finished.checkpoint / "latest.json", {})
    write_json(waiting.checkpoint / "latest.json", {})
    write_json(run.trial(planned.trials[0].name).path / ".items.parquet.4711", {})
    write_json(run.features / "store" / ".shard-00000.json.ab12.part", {})
    assert found() == {
        ("trial", f"tiny/trials/{OLD}"),
        ("stage", "stages/0123456789abcdef"),
        ("checkpoint", f"stages/{finished.path.name}/checkpoint"),
        ("left-over file", f"tiny/trials/{planned.trials[0].name}/.items.parquet.4711"),
        ("left-over file", "features/store/.shard-00000.json.ab12.part"),
    }
    assert found("tiny") == {
        ("trial", f"tiny/trials/{OLD}"),
        ("left-over file", f"tiny/trials/{planned.trials[0].name}/.items.parquet.4711"),
    }


def test_features_are_known_by_their_encoder_and_their_images(
    planned: Prepared, found: Callable[..., set[tuple[str, str]]]
) -> None:
    task = create_task("easy-vqa")
    splits = ("train", "validation", "test")
    images = sorted({name for split in splits for name in task.items(split).head(64)["image_id"]})
    features = planned.folder.features
    write_store(features / "needed", image_size=128, images=images)
    write_store(features / "other-encoder", image_size=64, images=images)
    write_store(features / "other-images", image_size=128, images=images[1:])
    (features / "in-the-making" / "locks").mkdir(parents=True)
    assert found() == {("features", "features/other-encoder"), ("features", "features/other-images")}
    for trial in planned.trials:
        write_json(planned.folder.stage(trial.stages[-1]).record_file, {})
    assert ("features", "features/in-the-making") in found()


def test_deleting_takes_the_garbage_and_nothing_else(tmp_path: Path, planned: Prepared) -> None:
    runs = tmp_path / "runs"
    kept = {path for path in runs.rglob("*") if path.is_file()}
    write_json(planned.folder.trial(OLD).record_file, {"status": "finished"})
    write_json(planned.folder.stage("0123456789abcdef").record_file, {})
    write_store(planned.folder.features / "other", image_size=64, images=["a"])
    sizes = {each.kind: each.size for each in delete_garbage(runs)}
    assert sizes.keys() == {"trial", "stage", "features"}
    assert sizes["trial"] == len('{\n "status": "finished"\n}\n')
    assert {path for path in runs.rglob("*") if path.is_file()} == kept


def test_what_another_holds_stays(tmp_path: Path, planned: Prepared) -> None:
    folder = planned.folder.trial(OLD)
    with try_lease(folder.lease_file):
        assert delete_garbage(tmp_path / "runs") == []
        assert folder.path.is_dir()
    assert [each.path for each in delete_garbage(tmp_path / "runs")] == [folder.path]


def test_while_a_study_runs_nothing_is_deleted(tmp_path: Path, planned: Prepared) -> None:
    write_json(planned.folder.trial(OLD).record_file, {})
    with take_part(planned.folder.live), pytest.raises(StudyError, match="a study is running"):
        delete_garbage(tmp_path / "runs")
    assert planned.folder.trial(OLD).path.is_dir()


def test_links_are_not_followed(tmp_path: Path, planned: Prepared) -> None:
    precious = tmp_path / "elsewhere" / OLD
    write_json(precious / "trial.json", {})
    write_json(precious / ".x.123", {})
    runs = tmp_path / "runs"
    (planned.folder.path / "trials" / "link-seed0-0").symlink_to(precious)
    (runs / "stages" / "fedcba9876543210").symlink_to(precious)
    (runs / "features").symlink_to(tmp_path / "elsewhere")
    (runs / "other").symlink_to(precious)
    garbage = planned.folder.trial(OLD).path
    garbage.mkdir()
    (garbage / "checkpoint").symlink_to(precious)
    delete_garbage(runs)
    assert not garbage.exists()
    assert sorted(path.name for path in precious.iterdir()) == [".x.123", "trial.json"]


def test_without_a_readable_plan_nothing_shared_is_garbage(
    tmp_path: Path, planned: Prepared, found: Callable[..., set[tuple[str, str]]]
) -> None:
    write_json(planned.folder.stage("0123456789abcdef").record_file, {})
    assert found() != set()
    broken = tmp_path / "runs" / "other" / "plan.parquet"
    broken.parent.mkdir()
    broken.write_bytes(planned.folder.plan_file.read_bytes()[:-100])
    (broken.parent / "trials" / OLD).mkdir(parents=True)
    assert found() == set()


def test_the_command_is_dry_by_default(tmp_path: Path, planned: Prepared) -> None:
    write_json(planned.folder.trial(OLD).record_file, {})

    def ablate(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ablation_runner", "clean", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    dry = ablate()
    assert f"trial  tiny/trials/{OLD}" in dry.stdout
    assert "nothing was deleted: --yes deletes it" in dry.stdout
    assert planned.folder.trial(OLD).path.is_dir()
    unknown = ablate("tny")
    assert unknown.returncode == 2
    assert "did you mean 'tiny'?" in unknown.stderr
    assert json.loads(ablate("tiny.toml", "--yes", "--json").stdout)[0]["kind"] == "trial"
    assert not planned.folder.trial(OLD).path.exists()
