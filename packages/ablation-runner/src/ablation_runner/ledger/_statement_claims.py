"""The brief's statements as claims."""

from ablation_runner.errors import StudyError
from ablation_runner.ledger._claim import Claim, direction
from ablation_runner.ledger._contrasts import contrast_of, counterpart_of, table_of
from ablation_runner.ledger._tables import Counterparts, Statement


def statement_claim(statement: Statement, counterparts: Counterparts) -> Claim:
    """A statement as a claim.

    Raises:
        StudyError: its table or metric is unknown, or its unit is not that of what is measured for it.
    """
    where = f"statements.toml: {statement.text!r}"
    table = table_of(counterparts, statement.table, where=where)
    what = counterpart_of(counterparts, statement.table, statement.metric, where=where)
    if what.quantity is not None and (what.quantity == "score") != (statement.unit == "points"):
        raise StudyError(
            f"{where}: scores are compared in points and costs as a ratio, found {what.quantity} in {statement.unit}"
        )
    low, high = statement.value if isinstance(statement.value, list) else (statement.value, statement.value)
    expects = statement.expects
    if expects is None:
        assert low is not None
        assert high is not None
        expects = direction(low, high, statement.unit)
    return Claim(
        section=statement.table.partition("/")[0],
        text=statement.text,
        source=statement.source,
        provenance=statement.provenance,
        unit=statement.unit,
        low=low,
        high=high,
        expects=expects,
        margin=statement.margin or getattr(counterparts.margins, statement.unit),
        conditions=statement.conditions,
        contrast=contrast_of(table, what, statement.pairs),
        why=what.why or "",
    )
