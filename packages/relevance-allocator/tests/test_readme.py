"""The examples of the README run one after the other, as a reader would run them."""

import re
from pathlib import Path
from runpy import run_path

README = Path(__file__).parents[1] / "README.md"
PRINTED = """\
tensor([144, 144])
torch.Size([2, 144, 64]) tensor([144, 144])
torch.Size([4, 36, 64]) ['weight/perspectival', 'weight/propositional']
36.0
"""


def test_every_example_of_the_readme_runs_and_prints_what_it_should(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)):
        (tmp_path / f"example_{number}.py").write_text(code)
        names = run_path(f"example_{number}.py", init_globals=names)
    assert capsys.readouterr().out == PRINTED
    assert (tmp_path / "participatory.png").exists()
