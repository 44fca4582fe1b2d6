"""The report in a real browser, offline: it logs nothing and asks for nothing."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from ablation_runner.report import write_report

study_results = runpy.run_path(str(Path(__file__).with_name("test_report_example.py")))["study_results"]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None, reason="needs Chromium on PATH (apt-get install chromium)"
)


def open_page(page: Path, folder: Path) -> tuple[list[str], list[str]]:
    """What the browser's console said while it opened the page, and every address it asked for."""
    log = folder / "net.json"
    done = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # offline
            f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=2000",
            f"--log-net-log={log}", "--screenshot=" + str(folder / "page.png"), page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    events = json.loads(log.read_text())["events"]
    # The browser itself looks for updates and the time; what a page asks for has an origin as its initiator.
    asked = [
        event["params"]["url"]
        for event in events
        if "url" in event.get("params", {})
        and event["params"].get("initiator", "not an origin") != "not an origin"
    ]
    return console, sorted({url for url in asked if url.startswith(("http:", "https:", "ws:", "wss:"))})


@pytest.mark.slow
@NEEDS_BROWSER
def test_the_report_opens_without_a_console_message_or_a_request(tmp_path: Path) -> None:
    console, asked = open_page(write_report(study_results(), tmp_path / "report"), tmp_path)
    assert console == []
    assert asked == []
    assert (tmp_path / "page.png").stat().st_size > 10_000


@pytest.mark.slow
@NEEDS_BROWSER
def test_the_browser_test_sees_a_request_and_a_console_error(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('no')</script>")
    console, asked = open_page(page, tmp_path)
    assert any("no" in line for line in console)
    assert asked == ["http://127.0.0.1:9/x.png"]
