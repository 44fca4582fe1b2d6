"""Claims about one type of question: judged on those questions, and corrected with all the other claims."""

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner import prepare
from ablation_runner.analysis import analyze
from ablation_runner.errors import StudyError
from ablation_runner.outlook.decidable import decidable_claims
from ablation_runner.report import scale_of, write_report
from ablation_runner.storage.lock import claim_hash
from ablation_runner.storage.store import content_hash
from ablation_runner.study import Claim

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_report_made_run.py")))
CHANCE = {"budget-4": 0.62, "budget-16": 0.7, "budget-64": 0.72, "blind": 0.3}
CLAIMS = """
[[claims]]
text = "Few tokens are worse."
arm = "budget-4"
kind = "worse"

[[claims]]
text = "Few tokens name shapes worse."
arm = "budget-4"
kind = "worse"
type = "shape"

[[claims]]
text = "Many tokens name colours as well."
arm = "budget-64"
kind = "not-worse"
margin = 0.2
type = "color"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return MADE["make_run"](
        tmp_path_factory.mktemp("typed"),
        MADE["STUDY"] + CLAIMS,
        score=lambda arm, condition, seed: CHANCE[arm],
    )


def test_each_is_judged_on_its_questions_and_all_are_corrected_together(made: Any) -> None:
    rows = MADE["rows_of"](made)
    of_type = {kind: rows.filter(pl.col("question_type") == kind) for kind in ("shape", "color")}
    base = {"text": "x", "baseline": "budget-16"}
    expected = stats.judge(
        [
            stats.Claim(arm="budget-4", expects="worse", **base),
            stats.Claim(arm="budget-4", expects="worse", **base),
            stats.Claim(arm="budget-64", kind="non-inferiority", margin=0.2, **base),
        ],
        [rows, of_type["shape"], of_type["color"]],
        control="blind",
        unit=scale_of("exact_match").in_sentences,
    )
    found = analyze(made).claims
    words = [verdict.verdict.replace("not-informative", "not informative") for verdict in expected]
    assert [claim.verdict for claim in found] == words
    assert [claim.reason for claim in found] == [verdict.reason for verdict in expected]
    assert len({claim.reason for claim in found}) == 3
    assert [claim.question_type for claim in found] == [None, "shape", "color"]


def test_the_report_says_which_questions_count(made: Any, tmp_path: Path) -> None:
    write_report(analyze(made), tmp_path)
    assert (
        "Compared: budget-4 against budget-16, shape questions alone" in (tmp_path / "report.md").read_text()
    )
    assert "<bdi>color</bdi> questions alone" in (tmp_path / "index.html").read_text()


def test_fewer_questions_decide_less(tmp_path: Path) -> None:
    (tmp_path / "typed.toml").write_text(MADE["STUDY"].replace("limit = 64, ", "") + CLAIMS)
    everything, shapes, _ = decidable_claims(prepare(str(tmp_path / "typed.toml"), runs=tmp_path))
    assert (everything.type, shapes.type) == (None, "shape")
    assert everything.power is not None
    assert shapes.power is not None
    assert everything.power > shapes.power


def test_a_type_that_is_not_asked_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "typed.toml").write_text(MADE["STUDY"] + CLAIMS.replace('"color"', '"colour"'))
    with pytest.raises(
        StudyError, match=r"claims\.2\.type: no question of the type 'colour'; did you mean 'color'\?"
    ):
        prepare(str(tmp_path / "typed.toml"), runs=tmp_path)


def test_a_claim_without_a_type_is_recognised_in_locks_from_before_there_were_types() -> None:
    old = {"text": "x", "arm": "a", "against": None, "kind": "better", "margin": 0.0}
    assert claim_hash(Claim.model_validate(old), [0]) == content_hash(old)
    assert claim_hash(Claim.model_validate(old | {"type": "ocr"}), [0]) != content_hash(old)
