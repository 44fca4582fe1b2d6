"""The page of one study: its report, with how to run it, in the order in which a newcomer asks."""

import re
from typing import Any

from ablation_runner.report._numbers import plural
from ablation_runner.running.prepared import Prepared
from ablation_runner.study import load_study

SOURCES = "packages/ablation-runner/src/ablation_runner/studies"
# What stands in the report's own page under its style sheet: the greys and the blue turned round in a dark window.
_DARK = """<style>@media (prefers-color-scheme: dark) {
[fill="#1b1f24"] { fill: #e8eaed } [stroke="#1b1f24"] { stroke: #e8eaed }
[fill="#5b6470"] { fill: #a8b0ba } [stroke="#5b6470"] { stroke: #a8b0ba }
[fill="#dde1e6"] { fill: #363c45 } [stroke="#dde1e6"] { stroke: #363c45 }
[fill="#ffffff"] { fill: #1e2129 } [stroke="#ffffff"] { stroke: #1e2129 }
[fill="#0072b2"] { fill: #4ba6dc } [stroke="#0072b2"] { stroke: #4ba6dc }
}</style>"""


def study_page(study: Prepared, report: str) -> str:
    """The page: question, answer, claims, how to run it, then the rest of the report.

    Args:
        study: a built-in one.
        report: its `report.md`.
    """
    head, sections = _divided(report.replace("](figures/", f"]({study.name}/"))
    first = [sections.pop(title) for title in ("Claims", "Recommendation") if title in sections]
    reading = sections.pop("How to read this")
    # A reader's runs lie in another folder than ours.
    reproduce = sections.pop("Reproduce").replace(study.command, f"ablate run {study.name}")
    parts = [head, *first, _how_to_run(study), *sections.values(), _folded(reading), reproduce]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def follows_dark(drawing: str) -> str:
    """The SVG with a style that turns its ground and its greys round where the reader's system is dark."""
    return re.sub(r"<svg[^>]*>", lambda opening: opening[0] + _DARK, drawing, count=1)


def _divided(report: str) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and the sections by their titles, each with its heading."""
    head, *sections = re.split(r"^(?=## )", report, flags=re.MULTILINE)
    return head, {section.partition("\n")[0].removeprefix("## "): section for section in sections}


def _folded(section: str) -> str:
    """A section that unfolds, because it is the same on every page."""
    title, _, text = section.partition("\n")
    inside = "\n".join(f"    {line}".rstrip() for line in text.strip().splitlines())
    return f'??? note "{title.removeprefix("## ")}"\n\n{inside}'


def _how_to_run(study: Prepared) -> str:
    records: list[dict[str, Any]] = [study.folder.trial(trial.name).record() or {} for trial in study.trials]
    minutes = sum(record.get("train_seconds") or 0.0 for record in records) / 60
    took = f", which trained for {plural(round(minutes), 'minute')} in all" if minutes >= 1 else ""
    larger = "\n\n".join(_larger(study, scale) for scale in study.study.scales)
    return f"""## How to run it

At the scale measured here ({len(records)} trials{took}; two cores are enough):

```sh
ablate run {study.name}
```

{larger}

??? example "The study file"

    ```toml
    --8<-- "{SOURCES}/{study.name}.toml"
    ```"""


def _larger(study: Prepared, scale: str) -> str:
    stands_for = load_study(study.source, scale=scale).stands_for or ""
    return f"""At the {scale} scale, with the same arms and claims. {stands_for}

```sh
# arms and costs; runs nothing
ablate plan {study.name} --scale {scale}
# two steps of every arm: does it fit?
ablate run {study.name} --scale {scale} --smoke
# the study
ablate run {study.name} --scale {scale}
```

[GPUs and several processes](../scale.md) says how to use several GPUs, machines or Slurm."""
