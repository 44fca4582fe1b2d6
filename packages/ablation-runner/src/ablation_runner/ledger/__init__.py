"""The claims ledger: the numbers that the literature gives, checked against each other and against what was measured here."""

from ablation_runner.ledger._findings import Finding, ledger_findings
from ablation_runner.ledger._judge import Judgement
from ablation_runner.ledger._judged import JudgedLedger, judge_ledger
from ablation_runner.ledger._ledger import Ledger, load_ledger
from ablation_runner.ledger._verdict import Verdict

__all__ = [
    "Finding",
    "JudgedLedger",
    "Judgement",
    "Ledger",
    "Verdict",
    "judge_ledger",
    "ledger_findings",
    "load_ledger",
]
