"""The README's examples run."""

import re
from pathlib import Path

import pytest

EXAMPLES = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("number", [0, 1])
def test_example_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLES[number], {})  # noqa: S102  # the README is ours


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == 2
