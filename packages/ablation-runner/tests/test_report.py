import dataclasses
import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from ablation_runner.report import write_report
from ablation_runner.report._curves import curves
from ablation_runner.results import StudyResults

study_results = runpy.run_path(str(Path(__file__).with_name("test_report_example.py")))["study_results"]
EMPTY = {"mean": None, "difference": None, "p": None, "p_adjusted": None, "seeds": (), "train_seconds": None}


class Reader(HTMLParser):
    """What a page holds: its elements, its addresses, its rows by table, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.headers: list[list[str]] = []
        self.tables: list[list[str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"an event handler: {name}={value}"
            if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "headers":
                self.headers.append((value or "").split())
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.text += data
            if self.tables and self.tables[-1]:
                self.tables[-1][-1] += data


def without(results: StudyResults, *names: str) -> StudyResults:
    """The study before the named arms had any result."""
    kept = ~pl.col("arm").is_in(names)
    return dataclasses.replace(
        results,
        arms=tuple(dataclasses.replace(arm, **EMPTY) if arm.name in names else arm for arm in results.arms),
        predictions=results.predictions.filter(kept),
        by_type=results.by_type.filter(kept),
        curves=results.curves.filter(kept),
        trials=results.trials.with_columns(
            status=pl.when(kept).then("status").otherwise(pl.lit("failed")),
            cause=pl.when(kept).then("cause").otherwise(pl.lit("loss is not finite at step 212")),
        ),
    )


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return study_results()


@pytest.fixture(scope="module")
def folder(results: StudyResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "report"
    assert write_report(results, path) == path / "index.html"
    return path


def test_the_page_needs_no_other_file_and_no_network(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    reader = Reader(page)
    assert all(address.startswith(("data:", "#")) for address in reader.addresses)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(reader.tags) - {"link"}
    assert reader.tags.count("link") == 1  # the empty icon, so that no browser asks for one
    assert not re.search(r"url\(|@import|https?://", page)


def test_every_link_of_the_page_has_its_place(folder: Path) -> None:
    reader = Reader((folder / "index.html").read_text())
    targets = {address[1:] for address in reader.addresses if address.startswith("#")}
    assert targets <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)


def test_every_cell_names_its_row_and_its_column(folder: Path) -> None:
    reader = Reader((folder / "index.html").read_text())
    assert len(reader.headers) == reader.tags.count("td") > 20
    assert all(len(names) == 2 and {*names} <= {*reader.ids} for names in reader.headers)


def test_every_arm_stands_in_every_table_of_arms(folder: Path, results: StudyResults) -> None:
    reader = Reader((folder / "index.html").read_text())
    main, by_type = reader.tables[0], reader.tables[1]
    for place, arm in enumerate(results.arms, start=1):
        assert arm.name in main[place]
        assert arm.name in by_type[place]
        assert (folder / "report.md").read_text().count(f"| {arm.name.replace('_', chr(92) + '_')} ") >= 1
        assert (folder / "tables.tex").read_text().count(arm.name.replace("-", "{-}")) >= 3


def test_the_main_table_says_what_was_measured(folder: Path) -> None:
    rows = [" ".join(row.split()) for row in Reader((folder / "index.html").read_text()).tables[0]]
    assert rows[1].startswith("concatenation baseline 88.9 % 87.8 to 90.0 – – baseline")
    assert "85.4 % 84.3 to 86.5 −3.5 −4.8 to −2.2 <0.001 worse" in rows[2]
    assert "inconclusive not converged" in rows[5]
    assert rows[6].startswith("blind blind control")


def test_every_claim_has_its_verdict_reason_and_what_would_settle_it(
    folder: Path, results: StudyResults
) -> None:
    for text in (
        Reader((folder / "index.html").read_text()).text,
        (folder / "report.md").read_text().replace("\\", ""),
    ):
        for claim in results.claims:
            for part in (claim.text, claim.verdict, claim.reason.split("(")[0], claim.settle):
                assert part in text
        assert "exploratory: added after the first result" in text


def test_figures_are_files_of_their_own_with_the_arms_in_them(folder: Path, results: StudyResults) -> None:
    for name in ("forest", "accuracy-by-type", "learning-curves"):
        svg = (folder / "figures" / f"{name}.svg").read_text()
        assert all(arm.name in svg for arm in results.arms)
        with Image.open(folder / "figures" / f"{name}.png") as image:
            assert image.format == "PNG"


def test_curves_of_unequal_length_are_said_to_be_of_the_last_stage(results: StudyResults) -> None:
    said = "Steps are those of an arm's last stage"
    whole, last = curves(results), results.arms[-1].name
    assert whole is not None
    assert said not in whole.caption
    shorter = results.curves.filter((pl.col("arm") != last) | (pl.col("step") <= 300))
    cut = curves(dataclasses.replace(results, curves=shorter))
    assert cut is not None
    assert said in cut.caption


def test_what_a_study_does_not_have_is_not_shown(results: StudyResults, tmp_path: Path) -> None:
    arms = tuple(dataclasses.replace(arm, converged=True, convergence_known=False) for arm in results.arms)
    kind = results.by_type["question_type"][0]
    one = results.by_type.filter(pl.col("question_type") == kind)
    plain = dataclasses.replace(results, arms=arms, by_type=one)
    text = Reader(write_report(plain, tmp_path).read_text()).text
    assert "by question type" not in text
    assert "Every arm with results had converged" not in text


def test_pictures_are_enlarged_by_whole_pixels(folder: Path) -> None:
    with Image.open(folder / "figures" / "question-1.png") as picture:
        assert picture.size == (192, 192)
    assert 'class="pixels"' in (folder / "index.html").read_text()


def test_markdown_names_only_files_that_were_written(folder: Path) -> None:
    named = re.findall(r"!\[[^]]*\]\(([^)]*)\)", (folder / "report.md").read_text())
    assert len(named) == 8
    assert all((folder / name).is_file() for name in named)


def test_arms_without_results_are_named_and_the_rest_is_shown(results: StudyResults, tmp_path: Path) -> None:
    half = dataclasses.replace(without(results, "q-former", "blind"), claims=())
    text = Reader(write_report(half, tmp_path).read_text()).text
    assert "This study is not complete: 12 of 18\u00a0trials finished (6 failed)" in text
    assert "Without a result so far: q-former, blind." in text
    assert "loss is not finite at step 212" in text
    assert "The study file makes no claim" in text
    assert "−12.1" in text


def test_a_study_without_any_result_renders_and_says_so(results: StudyResults, tmp_path: Path) -> None:
    nothing = pl.DataFrame()
    empty = dataclasses.replace(
        without(results, *(arm.name for arm in results.arms)),
        claims=(), predictions=nothing, by_type=nothing, curves=nothing, trials=nothing,
    )  # fmt: skip
    text = Reader(write_report(empty, tmp_path).read_text()).text
    assert "No answer yet: the baseline concatenation has no result to compare with." in text
    assert "No trial has been started." in text


def test_a_missing_picture_is_said_and_not_fatal(results: StudyResults, tmp_path: Path) -> None:
    def lost(image_id: str) -> Image.Image:
        raise KeyError(image_id)

    page = write_report(dataclasses.replace(results, image=lost), tmp_path).read_text()
    assert page.count("Picture not available") == 5


def test_a_second_report_leaves_nothing_of_the_first_that_it_does_not_name(
    results: StudyResults, tmp_path: Path
) -> None:
    write_report(results, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    write_report(without(results, *(arm.name for arm in results.arms)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "figures",
        "index.html",
        "notes.txt",
        "report.md",
        "tables.tex",
    ]
    assert list((tmp_path / "figures").iterdir()) == []


def test_a_write_that_fails_leaves_the_old_page(
    results: StudyResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_report(results, tmp_path)
    before = page.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        write_report(dataclasses.replace(results, title="another"), tmp_path)
    assert page.read_bytes() == before
    assert not list(tmp_path.rglob(".*"))


def test_two_baselines_are_refused(results: StudyResults, tmp_path: Path) -> None:
    arms = (results.arms[0], dataclasses.replace(results.arms[1], is_baseline=True))
    with pytest.raises(ValueError, match="exactly one baseline"):
        write_report(dataclasses.replace(results, arms=arms), tmp_path / "report")
    assert not (tmp_path / "report").exists()
