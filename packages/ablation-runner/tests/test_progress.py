"""What a log says of trials that start, go on or find their training done."""

import pytest

from ablation_runner.running.progress import Progress


def line(progress: Progress, step: int, **more: int) -> str | None:
    return progress.take({"event": "trial", "trial": "mlp", "step": step, "steps": 18, **more})


@pytest.fixture
def progress() -> Progress:
    return Progress(trials=1, steps={"mlp": 18}, workers=1)


def test_a_fresh_trial_starts(progress: Progress) -> None:
    assert line(progress, 0) == "mlp: started"


def test_a_checkpoint_is_gone_on_from(progress: Progress) -> None:
    assert line(progress, 4) == "mlp: continues at step 4"
    assert line(Progress(trials=1, steps={"mlp": 18}, workers=1), 9, reused=6) == "mlp: continues at step 9"


def test_a_stage_that_is_there_already_is_called_reused(progress: Progress) -> None:
    assert (
        line(progress, 6, reused=6)
        == "mlp: starts at step 6; the stages before are there already and are reused"
    )


def test_training_that_is_there_already_is_called_reused(progress: Progress) -> None:
    assert line(progress, 18) == "mlp: its training is there already and is reused"


def test_the_next_stage_of_a_trial_in_work_is_no_continuation(progress: Progress) -> None:
    line(progress, 0)
    assert line(progress, 6) == "mlp: goes on at step 6"


def test_a_checkpoint_that_is_not_used_is_said(progress: Progress) -> None:
    said = "latest.json: not a checkpoint of this stage (weight/a is missing); the stage starts anew"
    assert progress.take({"event": "note", "text": said}) == said
