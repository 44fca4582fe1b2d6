"""Files of lm-eval, lmms-eval and VLMEvalKit, in the fields and names that those programs write."""

import json
import sys
import zipfile

import polars as pl
import pytest

import ablation_stats as stats


def lm_eval_record(doc, value, *, filter_name="none", metric="acc", **more):
    """A record as `lm_eval.evaluator` makes it and `EvaluationTracker.save_results_samples` writes it."""
    return {
        "doc_id": doc,
        "doc": {"question": f"question {doc}", "image_id": doc // 2},
        "target": "0",
        "arguments": {"gen_args_0": {"arg_0": "prompt", "arg_1": " yes"}},
        "resps": [[["-1.5", "False"]]],
        "filtered_resps": [["-1.5", "False"]],
        "filter": filter_name,
        "metrics": [metric],
        "doc_hash": f"hash-{doc}",
        "prompt_hash": "p",
        "target_hash": "t",
        metric: value,
    } | more


def lmms_eval_record(doc, score):
    """A record as lmms-eval writes it for MME: no `doc`, no list of metrics, and a metric that is a record itself."""
    return {
        "doc_id": doc,
        "target": "Yes",
        "filtered_resps": ["Yes"],
        "doc_hash": f"hash-{doc}",
        "mme_perception_score": {"question_id": f"count/{doc}.png", "category": "count", "score": score},
        "input": "Is there a dog? Please answer yes or no.",
    }


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


LM_EVAL_NAME = "samples_gsm8k_cot_2026-05-01T12-30-00.123456.jsonl"


def test_an_lm_eval_log_gives_a_row_per_document(tmp_path):
    path = write(
        tmp_path / "org__model" / LM_EVAL_NAME, [lm_eval_record(doc, 1.0 - doc % 2) for doc in range(4)]
    )
    found = stats.read_results([path])
    assert found.select("arm", "seed", "task", "metric").unique().rows() == [
        ("org__model", 0, "gsm8k_cot", "acc")
    ]
    assert found["item"].to_list() == ["0", "1", "2", "3"]
    assert found["value"].to_list() == [1.0, 0.0, 1.0, 0.0]


def test_several_filters_become_several_metrics(tmp_path):
    records = [
        lm_eval_record(doc, float(doc == at), filter_name=name, metric="exact_match")
        for at, name in enumerate(("strict-match", "flexible-extract"))
        for doc in range(2)
    ]
    found = stats.read_results([write(tmp_path / "m" / LM_EVAL_NAME, records)])
    values = dict(zip(found.select("metric", "item").rows(), found["value"].to_list(), strict=True))
    assert values["exact_match,strict-match", "0"] == 1.0
    assert values["exact_match,flexible-extract", "0"] == 0.0
    assert found["metric"].n_unique() == 2


def test_an_older_log_without_filters_and_metrics_is_read_by_its_other_fields(tmp_path):
    old = lm_eval_record(0, True)
    for name in ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash"):
        del old[name]
    found = stats.read_results([write(tmp_path / "m" / "samples_x.jsonl", [old])])
    assert found.select("task", "metric", "value").rows() == [("x", "acc", 1.0)]


def test_an_lmms_eval_log_gives_the_numbers_inside_its_metrics(tmp_path):
    path = write(
        tmp_path / "llava" / "20260501_123000_samples_mme.jsonl",
        [lmms_eval_record(0, 1.0), lmms_eval_record(1, 0.0)],
    )
    found = stats.read_results([path])
    assert found.select("arm", "task", "metric", "value").rows() == [
        ("llava", "mme", "mme_perception_score.score", 1.0),
        ("llava", "mme", "mme_perception_score.score", 0.0),
    ]


def test_a_field_of_the_document_clusters(tmp_path):
    path = write(tmp_path / "m" / LM_EVAL_NAME, [lm_eval_record(doc, 1.0) for doc in range(4)])
    assert stats.read_results([path], cluster="image_id")["cluster"].to_list() == ["0", "0", "1", "1"]


def test_arms_and_seeds_are_named_before_the_file(tmp_path):
    files = [write(tmp_path / name / LM_EVAL_NAME, [lm_eval_record(0, 1.0)]) for name in "ab"]
    found = stats.read_results([f"full@1={files[0]}", f"full@2={files[1]}"])
    assert found.select("arm", "seed").rows() == [("full", 1), ("full", 2)]


def test_two_files_of_one_arm_and_seed_are_refused(tmp_path):
    path = write(tmp_path / "m" / LM_EVAL_NAME, [lm_eval_record(0, 1.0)])
    with pytest.raises(ValueError, match="several files hold arm 'm', seed 0, item 0; name them apart"):
        stats.read_results([path, path])


def test_documents_that_differ_under_one_id_are_refused(tmp_path):
    files = [
        write(tmp_path / name / LM_EVAL_NAME, [lm_eval_record(0, 1.0, doc_hash=name), lm_eval_record(1, 1.0)])
        for name in "ab"
    ]
    with pytest.raises(ValueError, match=r"different documents under one doc_id .*gsm8k_cot, documents 0"):
        stats.read_results(files)


VLMEVALKIT = {
    "index": [1, 2, 3, 4],
    "question": ["Which?"] * 4,
    "A": ["cat"] * 4,
    "B": ["dog"] * 4,
    "answer": ["A", "B", "A", "B"],
    "category": ["coarse"] * 4,
    "prediction": ["A", "a", "Failed to obtain answer via API.", " b "],
}


def test_a_result_file_of_vlmevalkit_gives_its_hits(tmp_path):
    path = tmp_path / "qwen_MMBench_exact_matching_result.csv"
    pl.DataFrame(VLMEVALKIT | {"hit": [1, 0, 0, 1], "log": ["ok"] * 4}).write_csv(path, quote_style="always")
    found = stats.read_results([path], task="MMBench")
    assert found.select("arm", "task", "metric").unique().rows() == [(path.stem, "MMBench", "hit")]
    assert found.select("item", "value", "valid").rows() == [
        ("1", 1.0, True),
        ("2", 0.0, True),
        ("3", 0.0, False),
        ("4", 1.0, True),
    ]


def test_scores_of_yes_or_no_questions_may_be_words(tmp_path):
    path = tmp_path / "m_POPE_auxmatch.tsv"
    pl.DataFrame(
        VLMEVALKIT | {"extracted": ["Yes"] * 4, "score": ["True", "False", "True", "True"]}
    ).write_csv(path, separator="\t", quote_style="always")
    assert stats.read_results([path])["value"].to_list() == [1.0, 0.0, 1.0, 1.0]


def test_bare_predictions_are_compared_with_the_answers(tmp_path):
    path = tmp_path / "m_MMBench.tsv"
    pl.DataFrame(VLMEVALKIT).write_csv(path, separator="\t", quote_style="always")
    found = stats.read_results([path])
    assert found["metric"].unique().to_list() == ["exact-match"]
    assert found["value"].to_list() == [1.0, 0.0, 0.0, 1.0]


def test_an_excel_file_without_the_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    path = tmp_path / "m_MMBench.xlsx"
    path.write_bytes(b"")
    with pytest.raises(ImportError, match=r"m_MMBench.xlsx: .*pip install 'ablation-stats\[xlsx\]'"):
        stats.read_results([path])


def write_xlsx(path, rows):
    """The least that a workbook needs: one sheet with text and numbers in its cells."""
    cells = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{chr(65 + c)}{r}"><v>{value}</v></c>'
            if isinstance(value, int)
            else f'<c r="{chr(65 + c)}{r}" t="inlineStr"><is><t>{value}</t></is></c>'
            for c, value in enumerate(row)
        )
        + "</row>"
        for r, row in enumerate(rows, start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')


def test_an_excel_file_is_read_as_the_same_table(tmp_path):
    pytest.importorskip("fastexcel", reason="needs the extra xlsx")
    path = tmp_path / "m_MMBench.xlsx"
    write_xlsx(path, [("index", "prediction", "answer", "hit"), (7, "A", "A", 1), (9, "B", "A", 0)])
    assert stats.read_results([path]).select("item", "metric", "value").rows() == [
        ("7", "hit", 1.0),
        ("9", "hit", 0.0),
    ]


def test_a_table_of_results_is_taken_as_it_is(tmp_path, study):
    study.write_parquet(tmp_path / "results.parquet")
    assert stats.read_results([tmp_path / "results.parquet"]).equals(study)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"doc_id": 0, "acc": 1.0}\n{"doc_id": 1,', r"a/s.jsonl:2: not a JSON record"),
        ("[1]", r"a/s.jsonl:1: not a JSON record but a list"),
        ('{"acc": 1.0}', r"a/s.jsonl:1: the record has no field 'doc_id'"),
        ('{"doc_id": 0, "acc": NaN}', r"a/s.jsonl:1: metric 'acc' must be finite, got nan"),
        (
            '{"doc_id": 0, "acc": 1.0}\n\n{"doc_id": 0, "acc": 1.0}',
            r"a/s.jsonl:3: document 0 is already on line 1",
        ),
        ('{"doc_id": 0, "metrics": ["acc"]}', r"a/s.jsonl:1: metric 'acc' is listed"),
        ('{"doc_id": 0, "resps": []}', r"a/s.jsonl: no record has a metric that is a number"),
        ("", r"a/s.jsonl: no sample"),
    ],
)
def test_a_broken_log_is_refused_with_file_and_line(tmp_path, lines, said):
    path = tmp_path / "a" / "s.jsonl"
    path.parent.mkdir()
    path.write_text(lines)
    with pytest.raises(ValueError, match=said):
        stats.read_results([path])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"index": [1], "prediction": ["A"]}, r"t.csv: no column 'answer'"),
        ({"index": [1, 1], "prediction": ["A", "B"], "hit": [1, 0]}, r"column 'index' .* 1 is there twice"),
        ({"index": [1, 2], "prediction": ["A", "B"], "hit": ["1", "?"]}, r"column 'hit' .* row 3 does not"),
        ({"arm": ["a"], "item": [1]}, r"t.csv: no column 'value'; the file has arm, item"),
    ],
)
def test_a_broken_table_is_refused_with_file_and_column(tmp_path, columns, said):
    path = tmp_path / "t.csv"
    pl.DataFrame(columns).write_csv(path)
    with pytest.raises(ValueError, match=said):
        stats.read_results([path])


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ValueError, match=r"results.json: a file of results ends in .parquet"):
        stats.read_results([tmp_path / "results.json"])


def test_a_truncated_parquet_file_is_refused_by_name(tmp_path):
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"r.parquet: not readable as parquet"):
        stats.read_results([tmp_path / "r.parquet"])


def test_what_a_person_reads_is_kept_where_a_log_has_it(tmp_path):
    written = [lm_eval_record(doc, 1.0, target=["4", "four"], filtered_resps=["four"]) for doc in range(2)]
    found = stats.read_results([write(tmp_path / "a" / LM_EVAL_NAME, written)])
    assert found.select("question", "answers", "prediction").row(1) == ("question 1", ["4", "four"], "four")
    ranked = stats.read_results([write(tmp_path / "b" / LM_EVAL_NAME, [lm_eval_record(0, 1.0)])])
    assert "prediction" not in ranked.columns  # log-likelihoods are no text
    mme = write(tmp_path / "c" / "20260501_123000_samples_mme.jsonl", [lmms_eval_record(7, 1.0)])
    row = stats.read_results([mme]).row(0, named=True)
    assert (row["question"][:17], row["answers"], row["prediction"]) == ("Is there a dog? P", ["Yes"], "Yes")


def test_what_a_person_reads_is_kept_of_vlmevalkit_s_files(tmp_path):
    path = tmp_path / "m.csv"
    pl.DataFrame(
        {"index": [1], "question": ["Red?"], "answer": ["A"], "prediction": ["B"], "hit": [0]}
    ).write_csv(path)
    found = stats.read_results([path])
    assert found.select("question", "answers", "prediction").rows() == [("Red?", ["A"], "B")]
