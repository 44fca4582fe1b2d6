"""Commands that answer at once load neither torch nor what needs it, nor tables where nothing is measured."""

import subprocess
import sys
from pathlib import Path

COMMANDS = """
import contextlib, io, sys
from ablation_runner.cli import app, main

NAMES = ["studies", "new", "schema", "plan", "run", "status", "report", "compare", "clean", "doctor"]
ANSWERED = [
    ["--help"], *([name, "--help"] for name in NAMES), ["studies"], ["studies", "--json"], ["schema"],
    ["schema", "--json"], ["status", "fusion-method"], ["status", "fusion-method", "--json"],
]
REFUSED = [
    ["run", "fusion-methd"], ["run", "fusion-method", "--set", "steps=1"], ["plan", "missing.toml"],
    ["plan", "fusion-method", "--processes", "5"], ["report", "fusion-method", "--set", "training.steps=x"],
    ["new", "a/b"], ["clean", "nothing"], ["compare", "a", "b"], ["no-such-command"],
]
HEAVY = {"torch", "transformers", "deepspeed", "altair", "timm", "open_clip"}
for codes, arguments, heavy in [
    *[((0, None), each, HEAVY | {"polars"}) for each in ANSWERED],
    *[((2,), each, HEAVY) for each in REFUSED],
]:
    sys.argv = ["ablate", *arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
    assert code in codes, (arguments, code)
    assert not heavy & set(sys.modules), (arguments, heavy & set(sys.modules))
"""


def test_help_lists_schemas_statuses_and_refusals_import_no_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
