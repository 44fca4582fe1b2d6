"""Sample logs of lm-eval (`samples_TASK_DATE.jsonl`) and lmms-eval (`DATE_samples_TASK.jsonl`) as a frame of results.

Formats: EleutherAI/lm-evaluation-harness, lm_eval/evaluator.py (the record) and lm_eval/loggers/evaluation_tracker.py
(the file); EvolvingLMMs-Lab/lmms-eval, the same paths under lmms_eval.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

FILE_NAME = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d\d-\d\dT[^/]*)?\.jsonl$")
# What a record holds besides its metrics; older logs have no list of these.
NOT_METRICS = frozenset(
    [
        "doc_id",
        "doc",
        "target",
        "arguments",
        "input",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
        "success",
    ]
)

# Columns for people to read.
TEXTS = ("question", "answers", "prediction")


def logged_task(path: Path) -> str | None:
    """The task that the file name of a log of lm-eval or lmms-eval says; None for a name that is not one of theirs.

    >>> logged_task(Path("samples_vqa_2026-01-31T10-00-00.jsonl"))
    'vqa'
    """
    found = FILE_NAME.search(path.name)
    return None if found is None else found["task"]


def read_samples(
    path: Path, *, arm: str, task: str, seed: int = 0, cluster: str | None = None
) -> pl.DataFrame:
    """Results of one log: a row per document, metric and filter.

    Columns `question`, `answers` and `prediction` are there where the log has texts for them. Metrics are numbers or true/false; of a metric that is itself a record (as MME's in lmms-eval) each number is taken, as
    "metric.field"; other metrics are left out. Where a task has several filters the metric is "metric,filter", as
    in lm-eval's results.

    Args:
        path: the log.
        arm: name of the arm that it is of.
        task: name of the task.
        seed: seed of its training.
        cluster: field of the record, or of its `doc`, that names what documents share (the image).

    Raises:
        ValueError: a line that is no JSON record, lacks `doc_id` or the cluster, repeats a document, or has a metric that is
            not finite; with file and line.
    """
    records = list(_records(path))
    if not records:
        raise ValueError(f"{path}: no sample in this file")
    filters = {record.get("filter") for _, record in records}
    rows: list[dict[str, Any]] = []
    first_line: dict[tuple[Any, str], int] = {}
    for line, record in records:
        where = f"{path}:{line}"
        if "doc_id" not in record:
            raise ValueError(f"{where}: the record has no field 'doc_id'")
        shared = {"arm": arm, "seed": seed, "task": task, "item": str(record["doc_id"])}
        if cluster is not None:
            shared["cluster"] = _cluster(record, cluster, where)
        shared |= _texts(record)
        suffix = f",{record['filter']}" if len(filters) > 1 else ""
        for metric, value in _metrics(record, where):
            name = metric + suffix
            earlier = first_line.setdefault((shared["item"], name), line)
            if earlier != line:
                raise ValueError(
                    f"{where}: document {shared['item']} is already on line {earlier}; where the task has several "
                    "filters, log with an lm-eval that writes the field 'filter'"
                )
            rows.append(shared | {"metric": name, "value": value, "fingerprint": record.get("doc_hash")})
    if not rows:
        raise ValueError(f"{path}: no record has a metric that is a number")
    found = pl.DataFrame(rows, infer_schema_length=None)
    return found.drop(name for name in TEXTS if found[name].null_count() == found.height)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and record of every line that is not blank."""
    with path.open(encoding="utf-8") as lines:
        for line, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                record = json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}:{line}: not a JSON record ({error.msg})") from None
            kind = type(record).__name__
            if kind != "dict":
                raise ValueError(f"{path}:{line}: not a JSON record but a {kind}")
            yield line, record


def _metrics(record: dict[str, Any], where: str) -> Iterator[tuple[str, float]]:
    names = record.get("metrics") or [name for name in record if name not in NOT_METRICS]
    for name in names:
        if name not in record:
            raise ValueError(f"{where}: metric {name!r} is listed, but the record has no such field")
        value = record[name]
        fields = value.items() if isinstance(value, dict) else [(None, value)]
        for field, number in fields:
            if isinstance(number, (bool, int, float)):
                full = name if field is None else f"{name}.{field}"
                if not math.isfinite(number):
                    raise ValueError(f"{where}: metric {full!r} must be finite, got {number}")
                yield full, float(number)


def _texts(record: dict[str, Any]) -> dict[str, str | list[str] | None]:
    """What a person reads: the question of the document, its answers, and what the model wrote; None where it is no text."""
    doc, target, written = (record.get(name) for name in ("doc", "target", "filtered_resps"))
    question = doc.get("question") if isinstance(doc, dict) else record.get("input")
    answers = [each for each in (target if isinstance(target, list) else [target]) if isinstance(each, str)]
    first = written[0] if isinstance(written, list) and written else written
    return {
        "question": question if isinstance(question, str) else None,
        "answers": answers or None,
        "prediction": first if isinstance(first, str) else None,
    }


def _cluster(record: dict[str, Any], field: str, where: str) -> str:
    doc = record.get("doc")
    for holder in (record, doc if isinstance(doc, dict) else {}):
        if holder.get(field) is not None:
            return str(holder[field])
    raise ValueError(f"{where}: neither the record nor its 'doc' has a field {field!r} to cluster by")
