"""The ledger's data: what becomes a claim, what is found wrong with it, and what it refuses."""

import csv
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from ablation_runner import StudyError, load_study, plan, resolve_arms
from ablation_runner.ledger import Ledger, ledger_findings, load_ledger
from ablation_runner.study import AS_TRAINED, built_in_studies

DATA = Path(str(resources.files("ablation_runner") / "ledger" / "data"))
EIGHT = ("mmstar", "ocrbench", "ai2d", "hallusionbench", "mmbench_1_1", "mmvet", "mathvista", "mmmu")
# The studies that the guide's sections were planned as.
PLANNED = {
    "encoder-trainability", "encoder-architecture", "encoder-resolution", "encoder-mixture", "token-budget-transfer",
    "token-proportions", "token-saturation", "fusion-method", "q-former-queries", "fusion-stage",
    "objective-combination", "objective-weights", "data-scale", "component-removal", "q-former-depth",
    "language-model-size", "compression-method", "compression-limits", "ways-of-knowing", "opponent-processing",
    "dynamic-allocation", "texture-array", "training-regime",
}  # fmt: skip


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def rows() -> list[dict[str, str]]:
    with (DATA / "claims.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def found(ledger: Ledger, check: str) -> list[str]:
    return [finding.place for finding in ledger_findings(ledger) if finding.check == check]


def test_the_guide_has_336_numbers() -> None:
    assert len(rows()) == 336


def test_exactly_eight_of_twelve_averages_do_not_follow_from_their_rows(ledger: Ledger) -> None:
    given = {
        (row["arm"], row["metric"]): float(row["value"])
        for row in rows()
        if row["table"] == "train-by-inference-budget"
    }
    arms = dict.fromkeys(arm for arm, _ in given)
    means = {arm: np.mean([given[arm, metric] for metric in EIGHT]) for arm in arms}
    wrong = [arm for arm in arms if f"{means[arm]:.1f}" != f"{given[arm, 'opencompass_average']:.1f}"]
    assert wrong == [
        "64@144", "144@144", "144@256", "256@144", "256@256", "dynamic@64", "dynamic@144", "dynamic@256",
    ]  # fmt: skip
    assert len(arms) == 12
    assert found(ledger, "average") == [
        f"token-budget/train-by-inference-budget: {arm}, opencompass_average" for arm in wrong
    ]


def test_all_other_contradictions_are_named(ledger: Ledger) -> None:
    assert {check: found(ledger, check) for check in ("anchor", "line", "same", "within", "relative")} == {
        "anchor": ["compression/method: token-pruning-4x, vqav2_accuracy"],
        "line": ["architecture/q-former-depth: 24, parameters"],
        "same": [
            "architecture/component-removal: no-mlm, coco_cider",
            "vision-encoder/resolution: 224, ocrbench",
        ],
        "within": [
            "compression/method: q-former-4x, vqav2_accuracy",
            "compression/method: token-pruning-4x, vqav2_accuracy",
            "compression/method: q-former-8x, vqav2_accuracy",
        ],
        "relative": [
            "training-objective/combination: itc+itm+mlm, relative_training_time",
            "relevance-allocation/dynamic-versus-static: static-256, relative_compute",
        ],
    }


def test_statements_that_their_rows_do_not_say_are_named(ledger: Ledger) -> None:
    texts = {
        finding.place: finding.text for finding in ledger_findings(ledger) if finding.check == "statement"
    }
    assert texts == {
        "A model trained at 256 tokens loses 7.3 points when it is tested with 64.": (
            "−7.3 by the averages given, −7.8 by their 8 rows"
        ),
        "Fewer tokens than trained for (256 to 64) hurt more than more tokens (64 to 256).": (
            "−6.0 by the averages given, −6.6 by their 8 rows"
        ),
        "Trained with sampled budgets, a model does not fall off at 64 tokens as one trained at 256 does.": (
            "+5.4 by the averages given, +5.8 by their 8 rows"
        ),
        "At 256 tokens it costs nothing to have trained with sampled budgets.": (
            "+0.1 by the averages given, +0.4 by their 8 rows"
        ),
        "Proportions 2:3:5 improve all budgets, also on equal ones at 64 tokens.": (
            "says more, but the rows say less (−0.2)"
        ),
        "Query-aware allocation is as accurate as 256 tokens for every image.": (
            "0.0 is stated, the rows give +1.8"
        ),
    }


def test_every_row_but_anchors_and_the_upper_ends_of_ranges_is_a_claim(ledger: Ledger) -> None:
    numbers = rows()
    anchors = sum(row["arm"] == row["baseline"] for row in numbers)
    ends = sum(row["metric"].endswith("_change_high") for row in numbers)
    claims = [claim for claim in ledger.claims if claim.table]
    assert len(claims) == len(numbers) - anchors - ends == 264
    assert not any(claim.text.split(" against ")[0] == claim.text.split(" against ")[-1] for claim in claims)


@pytest.mark.parametrize(
    ("table", "metric", "text", "value", "unit", "expects"),
    [
        ("trainability", "vqav2_accuracy", "full against frozen", (2.2, 2.2), "points", "more"),
        ("trainability", "relative_training_time", "full against frozen", (1.8, 1.8), "ratio", "more"),
        ("resolution", "relative_inference_speed", "448 against 224", (0.25, 0.25), "ratio", "less"),
        ("method", "vqav2_accuracy", "token-pruning-4x against none-1x", (-0.3, -0.3), "points", "less"),
        ("dynamic-versus-static", "relative_compute", "query-aware against static-256", (1.9 / 4,) * 2, "ratio", "less"),
        ("component-removal", "coco_cider", "no-mlm against full", (-11.6, -11.6), "cider", "less"),
        ("task-limits", "ocr", "2x against 1x", (-10, -5), "points", "less"),
        ("task-limits", "vqa", "2x against 1x", (0, 0), "points", "none"),
    ],
)  # fmt: skip
def test_a_claim_is_the_contrast_with_its_baseline(
    ledger: Ledger, table: str, metric: str, text: str, value: tuple[float, float], unit: str, expects: str
) -> None:
    (claim,) = (
        each for each in ledger.claims if (each.table, each.metric, each.text) == (table, metric, text)
    )
    assert (claim.low, claim.high) == pytest.approx(value)
    assert (claim.unit, claim.expects) == (unit, expects)


def test_saturation_is_no_difference_from_there_on_and_a_loss_below(ledger: Ledger) -> None:
    claims = {claim.text: claim.expects for claim in ledger.claims if claim.table == "saturation"}
    assert claims == {
        "general-vqa saturates at 144 tokens: 144 against 576": "none",
        "ocr saturates at 576 tokens: 256 against 576": "less",
        "counting saturates at 256 tokens: 256 against 576": "none",
        "object-recognition saturates at 64 tokens: 64 against 576": "none",
        "spatial-reasoning saturates at 144 tokens: 144 against 576": "none",
        "hallucination saturates at 64 tokens: 64 against 576": "none",
        "fine-grained saturates at 256 tokens: 256 against 576": "none",
    }


def test_the_brief_is_written_out_in_every_section(ledger: Ledger) -> None:
    statements = [claim for claim in ledger.claims if not claim.table]
    assert len(statements) == 37
    assert {claim.section for claim in statements} == {row["section"] for row in rows()} - {"architecture"}
    assert {claim.provenance for claim in statements} == {"reported", "typical", "hypothesis"}


def test_only_planned_studies_are_named(ledger: Ledger) -> None:
    assert {claim.contrast.study for claim in ledger.claims if claim.contrast} <= PLANNED


@pytest.mark.parametrize("study", sorted(built_in_studies()))
def test_a_claim_about_a_built_in_study_names_arms_that_it_has(ledger: Ledger, study: str) -> None:
    loaded = load_study(built_in_studies()[study])
    conditions = (AS_TRAINED, *loaded.conditions)
    arms = {plan.tested_name(arm.name, condition) for arm in resolve_arms(loaded) for condition in conditions}
    named = {
        arm
        for claim in ledger.claims
        if claim.contrast and claim.contrast.study == study
        for arm in claim.contrast.arms
    }
    assert named <= arms


def test_what_has_no_counterpart_says_why(ledger: Ledger) -> None:
    assert all(bool(claim.why) == (claim.contrast is None) for claim in ledger.claims)


@pytest.fixture
def broken(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the data in which a text, which must be there, is another."""

    def make(name: str, text: str, other: str) -> Path:
        folder = tmp_path / "data"
        shutil.copytree(DATA, folder)
        content = (folder / name).read_text(encoding="utf-8")
        assert text in content
        (folder / name).write_text(content.replace(text, other, 1), encoding="utf-8")
        return folder

    return make


FROZEN = "vision-encoder,trainability,frozen,frozen,vqav2_accuracy,65.0,percent,typical,VLM ablation guide (2025-11-16),\n"


@pytest.mark.parametrize(
    ("name", "text", "other", "message"),
    [
        ("claims.csv", "65.0,percent,typical", "65.0,percent,typcal", "claims.csv:2: unknown kind 'typcal'; did you mean 'typical'?"),
        ("claims.csv", "65.0,percent", "65.0,percnt", "claims.csv:2: unknown unit 'percnt'; did you mean 'percent'?"),
        ("claims.csv", "65.0,percent", "many,percent", "claims.csv:2: value must be a number, found 'many'"),
        ("claims.csv", "65.0,percent", "nan,percent", "claims.csv:2: value must be a number, found 'nan'"),
        ("claims.csv", FROZEN, "", "claims.csv:2: vision-encoder/trainability has no row of vqav2_accuracy for the baseline 'frozen'"),
        ("claims.csv", FROZEN, FROZEN + FROZEN, "claims.csv:3: vision-encoder/trainability frozen vqav2_accuracy stands in line 2 already"),
        ("claims.csv", "guide (2025-11-16),\n", "guide (2025-11-16)\n", "claims.csv:2: 10 cells expected, found 9"),
        ("claims.csv", "frozen,full,vqav2", ",full,vqav2", "claims.csv:3: baseline is empty"),
        ("claims.csv", "section,table", "section,tables", "claims.csv:1: the columns must be section, table, baseline"),
        ("claims.csv", "ocr_change_high,-5", "ocr_change_high,-50", "ocr_change_low has no ocr_change_high at or above it"),
        ("claims.csv", "trainability,frozen,full", "trainabilty,frozen,full", "claims.csv:3: vision-encoder/trainabilty has no row"),
        ("statements.toml", 'provenance = "reported"', 'provenance = "reportd"', "statements.toml: statements.1.provenance: unknown provenance 'reportd'; did you mean 'reported'?"),
        ("statements.toml", "value = -7.3", "valeu = -7.3", "statements.toml: statements.1.valeu: unknown key"),
        ("statements.toml", "value = -7.3\n", "", "statements.toml: statements.1: say value, or expects where there is no number"),
        ("statements.toml", 'unit = "points"', 'unit = "ratio"', "scores are compared in points and costs as a ratio, found score in ratio"),
        ("statements.toml", "-budget/train-by", "-budgets/train-by", "has no table 'token-budgets/train-by-inference-budget'; did you mean"),
        ("statements.toml", "[-3.0, -0.5]", "[-0.5, -3.0]", "a range goes from low to high, found [-0.5, -3.0]"),
        ("statements.toml", "text = ", "text : ", "statements.toml: not TOML in UTF-8"),
        ("counterparts.toml", 'relative_inference_time = { quantity = "evaluate_seconds" }', "", "claims.csv:193: counterparts.toml has no metric 'relative_inference_time'"),
        ("counterparts.toml", '{ quantity = "score" }', '{ quantity = "scores" }', "counterparts.toml: metrics.vqav2_accuracy.quantity: input should be"),
        ("counterparts.toml", '{ quantity = "score" }', "{ }", "counterparts.toml: metrics.vqav2_accuracy: say either quantity or why there is none"),
        ("checks.toml", "q-former-4x, vqav2", "q-former-3x, vqav2", "checks.toml: claims.csv has no row 'compression/method: q-former-3x, vqav2_accuracy'"),
        ("checks.toml", "spatial-pooling-4x, vqav2", "spatial-pooling-4x vqav2", "checks.toml: within.1.change: a place is 'section/table: arm, metric'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line_that_names_file_and_row(
    broken: Callable[..., Path], name: str, text: str, other: str, message: str
) -> None:
    with pytest.raises(StudyError) as error:
        ledger_findings(load_ledger(broken(name, text, other)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"claims\.csv: No such file"):
        load_ledger(tmp_path)
