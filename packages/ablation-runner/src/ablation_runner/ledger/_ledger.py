"""The whole ledger: the guide's rows, the claims made of them, and the brief's statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ablation_runner.ledger._claim import Claim
from ablation_runner.ledger._row import Place, Row, read_rows
from ablation_runner.ledger._statement_claims import statement_claim
from ablation_runner.ledger._table_claims import table_claims
from ablation_runner.ledger._tables import (
    Anchor,
    Checks,
    Counterparts,
    Statement,
    Statements,
    read_table,
)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What the literature says.

    Attributes:
        rows: of `claims.csv`, by place.
        statements: of the brief, as written out; checks: what must hold between the numbers.
        claims: the brief's statements first, then the rows that are no anchors.
    """

    rows: Mapping[Place, Row]
    statements: tuple[Statement, ...]
    checks: Checks
    claims: tuple[Claim, ...]

    @property
    def anchors(self) -> dict[Place, Anchor]:
        """Rows that are compared with another number than their baseline's row."""
        return anchors_of(self.checks)


def load_ledger(folder: Path | None = None) -> Ledger:
    """The ledger of a folder's four files; the one that comes with the package where none is named.

    Raises:
        StudyError: a file cannot be used; the message names it and the row or entry.
    """
    folder = folder or Path(str(resources.files("ablation_runner") / "ledger" / "data"))
    rows = {row.place: row for row in read_rows(folder / "claims.csv")}
    counterparts = read_table(folder / "counterparts.toml", Counterparts)
    statements = tuple(read_table(folder / "statements.toml", Statements).statements)
    checks = read_table(folder / "checks.toml", Checks)
    claims = [statement_claim(statement, counterparts) for statement in statements]
    claims += table_claims(rows, counterparts, anchors_of(checks))
    return Ledger(rows=rows, statements=statements, checks=checks, claims=tuple(claims))


def anchors_of(checks: Checks) -> dict[Place, Anchor]:
    """The anchors by place."""
    return {(anchor.table, anchor.arm, anchor.metric): anchor for anchor in checks.anchors}
