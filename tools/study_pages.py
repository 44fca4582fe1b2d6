"""Pages of the built-in studies: `publish` takes finished runs over into docs/studies, `check` says which are of other code.

A page holds the report as it came out; beside it lie its figures, `claims.json`: what it says of the literature's claims, and
`lock.json`: the study's lock, with the names of its trials, each of which ends with the hash of all that determines its
result. `lists` makes the two pages about all studies anew from what lies there. From the root: `python -m tools.study_pages`.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tools._claims_page import FILE as CLAIMS_FILE
from tools._claims_page import claims_page, study_claims
from tools._study_index import index_page
from tools._study_page import follows_dark, study_page

from ablation_runner.ledger import JudgedLedger, judge_ledger, load_ledger
from ablation_runner.running.pipeline import is_finished
from ablation_runner.running.prepared import Prepared, prepare
from ablation_runner.storage.lock import read_lock
from ablation_runner.study import built_in_studies

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "studies"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["publish", "lists", "check"])
    parser.add_argument("names", nargs="*", metavar="STUDY", help="all built-in ones if left out")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", metavar="DIR")
    chosen = parser.parse_args()
    known = sorted(built_in_studies())
    if unknown := sorted({*chosen.names} - {*known}):
        parser.error(f"{unknown[0]!r} is not a built-in study; they are {', '.join(known)}")
    names = chosen.names or known
    studies = (prepare(name, runs=chosen.runs) for name in names)
    problems: list[str] = []
    if chosen.action == "check":
        problems = [*(problem for study in studies for problem in check(study)), *check_lists()]
    if chosen.action == "publish":
        judged = judge_ledger(load_ledger(), chosen.runs)
        problems = [problem for study in studies for problem in publish(study, judged)]
    if chosen.action != "check":
        for path, text in lists():
            path.write_text(text, encoding="utf-8")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def publish(study: Prepared, judged: JudgedLedger) -> Iterator[str]:
    """Writes the page of a finished run, and what it says of the literature's claims; says what is missing of one that is not."""
    missing = [trial.name for trial in study.trials if not is_finished(study.folder, trial)]
    if missing or not study.is_last:
        yield f"{study.name}: {len(missing)} of {len(study.trials)} trials are not finished; {study.command}"
        return
    beside = PAGES / study.name
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for figure in sorted((study.folder.report / "figures").iterdir()):
        if figure.suffix == ".svg":
            drawing = follows_dark(figure.read_text(encoding="utf-8"))
            (beside / figure.name).write_text(drawing, encoding="utf-8")
        elif figure.name.startswith("question-"):
            shutil.copy(figure, beside)
    lock = {**read_lock(study.folder), "trials": _trials(study)}
    for name, content in ("lock.json", lock), (CLAIMS_FILE, study_claims(judged, study.name)):
        (beside / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    report = (study.folder.report / "report.md").read_text(encoding="utf-8")
    (PAGES / f"{study.name}.md").write_text(study_page(study, report), encoding="utf-8")


def check(study: Prepared) -> Iterator[str]:
    """Says where a page is missing, or its trials are not those that the code would run."""
    lock = PAGES / study.name / "lock.json"
    if not lock.is_file():
        yield f"{study.name}: has no page; run it, then: nox -s study-pages -- publish {study.name}"
    elif json.loads(lock.read_text(encoding="utf-8"))["trials"] != _trials(study):
        yield f"{study.name}: its page is of other code, data or settings; run it again, then publish it"


def check_lists() -> Iterator[str]:
    """Says which of the pages about all studies is not made of the studies' pages."""
    for path, text in lists():
        if path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(ROOT)}: is not made of the pages; nox -s study-pages -- lists"


def lists() -> Iterator[tuple[Path, str]]:
    """The pages that are made of the studies' pages: of all studies, and of the literature's claims."""
    yield PAGES / "index.md", index_page(PAGES)
    yield ROOT / "docs" / "claims.md", claims_page(PAGES)


def _trials(study: Prepared) -> list[str]:
    return sorted(trial.name for trial in study.trials)


if __name__ == "__main__":
    sys.exit(main())
