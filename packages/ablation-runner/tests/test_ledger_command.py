"""`ablate claims`, run as a user runs it."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ablation_runner.ledger import load_ledger
from ablation_runner.ledger._show import _table

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def test_json_holds_every_claim_with_a_verdict_and_every_finding(ablate: Ablate, tmp_path: Path) -> None:
    done = ablate(tmp_path, "claims", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    claims = [each["claim"] for each in found["judgements"]]
    assert len(claims) == len(load_ledger().claims)
    assert {each["verdict"] for each in found["judgements"]} <= {"not run", "not comparable"}
    assert all(each["reason"] for each in found["judgements"])
    assert sum(each["check"] == "average" for each in found["findings"]) == 8
    assert list(tmp_path.iterdir()) == []


def test_a_section_has_its_own_claims_and_findings_alone(ablate: Ablate, tmp_path: Path) -> None:
    found = json.loads(ablate(tmp_path, "claims", "--section", "compression", "--json").stdout)
    assert {each["claim"]["section"] for each in found["judgements"]} == {"compression"}
    assert {each["section"] for each in found["findings"]} == {"compression"}


def test_statements_leave_the_tables_out(ablate: Ablate, tmp_path: Path) -> None:
    found = json.loads(ablate(tmp_path, "claims", "--statements", "--json").stdout)
    assert {each["claim"]["table"] for each in found["judgements"]} == {""}
    assert len(found["judgements"]) == 37


def test_an_unknown_section_is_refused_with_the_nearest(ablate: Ablate, tmp_path: Path) -> None:
    done = ablate(tmp_path, "claims", "--section", "fussion")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ablate: unknown section 'fussion'; did you mean 'fusion'?\n"


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_holds_every_value_within_its_width_and_what_to_run(tmp_path: Path, width: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ablation_runner", "claims", "--section", "fusion"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": str(width)},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= width
    text = re.sub(r"\s+", " ", done.stdout)
    for value in ("+4.3", "×1.40", "no difference", "(+0.3)", "−2.0", "−4.8"):
        assert value in text
    assert "  ablate run fusion-method" in lines
    assert "34 claims: " in lines[-1]


def test_what_was_never_run_is_judged_without_the_libraries_that_read_results(tmp_path: Path) -> None:
    code = (
        "import contextlib, io, sys\n"
        "from ablation_runner.cli import main\n"
        "sys.argv = ['ablate', 'claims']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "heavy = {'torch', 'transformers', 'deepspeed', 'altair', 'scipy', 'vlm_tasks.scenes'} & set(sys.modules)\n"
        "assert 'ablation_runner.ledger' in sys.modules\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize("width", [80, 120])
def test_many_question_types_leave_room_for_the_claim(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    table = _table(console)
    where = "cpu, 3 seeds, object, attribute, count, spatial"
    table.add_row(
        "From 224 to 448 pixels", "no difference (+0.4)", f"+4.1\n(+0.3 to +7.9)\n{where}", "same direction"
    )
    console.print(table)
    assert "From 224 to 448 pixels" in console.export_text()
