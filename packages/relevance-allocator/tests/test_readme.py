from pathlib import Path
from runpy import run_path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        (1, "tensor([144, 144])\n"),
        (2, "torch.Size([2, 144, 64]) tensor([144, 144])\n"),
        (3, "torch.Size([4, 36, 64]) ['weight/perspectival', 'weight/propositional']\n"),
    ],
)
def test_examples_of_the_readme_run(example, printed, tmp_path, monkeypatch, capsys):
    code = README.read_text().split("```python\n")[example].split("```", 1)[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "example.py").write_text(code)
    run_path("example.py")
    assert capsys.readouterr().out == printed
