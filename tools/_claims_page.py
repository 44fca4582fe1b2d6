"""The page of the literature's claims: what `ablate claims` says of the runs that the studies' pages are made of."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TypedDict

from ablation_runner.ledger import JudgedLedger, Judgement, Verdict, judge_ledger, load_ledger
from ablation_runner.ledger._cells import literature, measured_lines
from ablation_runner.ledger._findings import CHECKS
from ablation_runner.report._text import markdown

FILE = "claims.json"
_HEAD = """# The literature's claims, as judged here

What publications on vision-language models say of their parts ([the ledger](packages/ablation-runner.md#the-literatures-claims)),
and what [the built-in studies](studies/index.md) measured for it at their cpu scale. **{counts}.** `ablate claims` prints the
same of your own runs.

- **Literature**: what two arms differ by, in points of a percentage or as a ratio (×), as publications give it (*reported*), as is
  usual in the field (*typical*), or as somebody expects it and nobody has measured it (*hypothesis*).
- **Measured here**: the same difference, with its 95 % interval, scale and seeds. "256 @ 64" was trained with 256 tokens and
  tested with 64.
- **Verdict**: *same direction* and *opposite* are significant, corrected for all that the ledger asks of the study; *equivalent* is
  shown to be no difference that matters; *inconclusive* is not decided; *not informative*: this run could not have shown it;
  *not comparable*: nothing here measures it. Small models can show a direction, never that a number of large ones holds, so
  nothing is called supported or refuted ([what small-scale results say](small-scale.md)).
"""


class Line(TypedDict):
    """A claim that a study was asked, as its run answered it."""

    claim: str
    table: str
    metric: str
    measured: str
    verdict: str
    reason: str


def study_claims(judged: JudgedLedger, study: str) -> list[Line]:
    """What the ledger asks of a study, with the answer; none where it asks nothing."""
    return [
        _line(each)
        for each in judged.judgements
        if each.claim.contrast and each.claim.contrast.study == study
    ]


def claims_page(pages: Path) -> str:
    """The page.

    Args:
        pages: folder of the studies' pages; what is asked of a study without one is "not run".
    """
    # No run lies there, so what a study can measure is "not run", unless its page says what it measured.
    judged = judge_ledger(load_ledger(), runs=pages)
    published = {
        _key(line): line
        for file in sorted(pages.glob(f"*/{FILE}"))
        for line in json.loads(file.read_text(encoding="utf-8"))
    }
    lines = [(each, _line(each)) for each in judged.judgements]
    answers = [(each, published.get(_key(line), line)) for each, line in lines]
    counted = Counter(line["verdict"] for _, line in answers)
    counts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict if counted[verdict])
    parts = [_HEAD.format(counts=f"{len(answers)} claims: {counts}")]
    for section, group in groupby(answers, key=lambda answer: answer[0].claim.section):
        parts.append(f"## {_title(section)}\n")
        for table, members in groupby(group, key=lambda answer: answer[0].claim.table):
            parts += _table(table, list(members))
    return "\n".join([*parts, *_findings(judged)])


def _line(judgement: Judgement) -> Line:
    claim = judgement.claim
    return Line(
        claim=claim.text,
        table=claim.table,
        metric=claim.metric,
        measured=" ".join(measured_lines(judgement)),
        verdict=judgement.verdict,
        reason=judgement.reason,
    )


def _key(line: Line) -> tuple[str, str, str]:
    return line["table"], line["metric"], line["claim"]


def _table(name: str, answers: list[tuple[Judgement, Line]]) -> Iterator[str]:
    """A heading, the claims that something measures as rows, then those that nothing does, by the reason why."""
    provenance = ", ".join(dict.fromkeys(each.claim.provenance for each, _ in answers))
    yield f"### {name or 'In words'} ({provenance})\n"
    rows = list(_rows(answers))
    if rows:
        yield "\n".join(["| claim | literature | measured here | verdict |", "|:--|--:|--:|:--|", *rows, ""])
    bare: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for judgement, line in answers:
        if line["verdict"] == Verdict.NOT_COMPARABLE:
            said = f"{markdown(line['claim'])} ({literature(judgement.claim)})"
            bare[line["reason"]][line["metric"]].append(said)
    for reason, metrics in bare.items():
        said = "; ".join(f"{_metric(metric)}{', '.join(claims)}" for metric, claims in metrics.items())
        yield f"Not comparable, as {markdown(reason)}: {said}\n"


def _rows(answers: list[tuple[Judgement, Line]]) -> Iterator[str]:
    for judgement, line in answers:
        if line["verdict"] != Verdict.NOT_COMPARABLE:
            cells = (
                f"{_metric(line['metric'])}{markdown(line['claim'])}",
                literature(judgement.claim),
                markdown(line["measured"]),
                f"**{line['verdict']}**: {markdown(line['reason'])}",
            )
            yield f"| {' | '.join(cells)} |"


def _metric(name: str) -> str:
    return f"*{markdown(name)}*: " if name else ""


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _findings(judged: JudgedLedger) -> Iterator[str]:
    yield "## What does not follow in the literature's own numbers\n"
    for check, group in groupby(judged.findings, key=lambda finding: finding.check):
        yield f"### {CHECKS[check]}\n"
        yield "\n".join(f"- *{markdown(each.place)}*: {markdown(each.text)}" for each in group) + "\n"
