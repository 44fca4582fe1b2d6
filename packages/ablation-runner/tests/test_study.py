import tomllib
from pathlib import Path

import pytest

from ablation_runner import StudyError
from ablation_runner.plan import resolve_arms
from ablation_runner.study import built_in_studies, find_study, load_study, parse_study

FUSION = built_in_studies()["fusion-method"]


def error_of(text: str, old: str, new: str) -> str:
    assert old in text
    text = text.replace(old, new)
    with pytest.raises(StudyError) as caught:
        resolve_arms(parse_study(tomllib.loads(text), source="tiny.toml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'connector = "concatenation"',
            'conector = "mlp"',
            "baseline.model.conector: unknown key; did you mean 'connector'?",
        ),
        (
            'connector = "concatenation"',
            'connector = "mpl"',
            "baseline.model.connector: unknown connector 'mpl'; did you mean 'mlp'?",
        ),
        (
            'connector = "concatenation"',
            'connector = { name = "mlp", dept = 2 }',
            "baseline.model.connector: unknown option of mlp 'dept'; did you mean 'depth'?",
        ),
        (
            'connector = "concatenation"',
            'connector = { name = "mlp", depth = 0 }',
            "depth must be above 0, got 0",
        ),
        ('"llama-tiny"', '"lama-tiny"', "unknown language model 'lama-tiny'; did you mean 'llama-tiny'?"),
        (
            'task = "easy-vqa"',
            'task = "easyvqa"',
            "baseline.data.task: unknown task 'easyvqa'; did you mean 'easy-vqa'?",
        ),
        ("budget = 4", 'budget = 4, method = "avg-pool"', "did you mean 'average-pool'?"),
        (
            "steps = 12",
            'steps = "many"',
            "baseline.training.steps: input should be a valid integer, found 'many'",
        ),
        ("steps = 12, ", "", "baseline.training.steps: missing; Optimizer steps."),
        ("seeds = [0, 1]", "seeds = [1, 1]", "seeds: seeds must be distinct and not negative, got [1, 1]"),
        ('metric = "exact_match"', 'metric = "exact"', "unknown metric 'exact'; did you mean 'exact_match'?"),
        ('arm = "mlp"', 'arm = "mpl"', "claims.0.arm: unknown arm 'mpl'; did you mean 'mlp'?"),
        ('arm = "mlp"', 'arm = "concatenation"', "claims.0: compares arm 'concatenation' with itself"),
        (
            'kind = "better"',
            'kind = "equivalent"',
            "claims.0.margin: kind 'equivalent' needs a margin above 0",
        ),
        ('kind = "better"', 'kind = "best"', "claims.0.kind: input should be 'better', 'worse'"),
        ('path = "model.connector"', 'path = "model.conector"', "no such path 'model.conector'"),
        (
            '"concatenation", "mlp"]',
            '"concatenation", "mlp", "mlp"]',
            "factors.fusion: two levels are called 'mlp'",
        ),
        (
            "checkpoint_every = 3",
            "zero_stage = 4",
            "engine.zero_stage: input should be 0, 1, 2 or 3, found 4",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_would_be_right(
    tiny_text: str, old: str, new: str, expected: str
) -> None:
    message = error_of(tiny_text, old, new)
    assert expected in message
    assert "\n" not in message


def test_an_arm_that_changes_more_than_its_factor_is_refused(tiny_text: str) -> None:
    arm = '[arms.longer]\nfactors = ["fusion"]\nset = { "model.connector" = "q-former", "training.steps" = 24 }\n'
    message = error_of(tiny_text, "[engine]", arm + "[engine]")
    assert "arm 'longer' changes more than its factor: training.steps: 12 → 24" in message


def test_a_factor_changes_its_own_path_and_nothing_else() -> None:
    arms = resolve_arms(load_study(FUSION))
    assert [arm.name for arm in arms] == [
        "concatenation", "mlp", "q-former", "perceiver-resampler", "gated-cross-attention", "blind",
    ]  # fmt: skip
    assert arms[0].is_baseline
    assert arms[-1].is_blind
    assert {difference.path for arm in arms[1:-1] for difference in arm.differences} == {"model.connector"}
    assert [difference.path for difference in arms[-1].differences] == ["data.images"]


def test_the_built_in_study_is_short() -> None:
    at_cpu_scale, _, _ = FUSION.read_text(encoding="utf-8").partition("[scales.")
    assert len(at_cpu_scale.splitlines()) <= 45


def test_an_unknown_study_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'fusion-method'"):
        find_study("fusion-methods")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("title = [", encoding="utf-8")
    with pytest.raises(StudyError, match=r"broken\.toml: not TOML"):
        load_study(path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(b"title = '\xff'")
    with pytest.raises(StudyError, match=r"broken\.toml: not UTF-8"):
        load_study(path)
