"""The options that the commands of `ablation-stats` share."""

from typing import Annotated

import typer

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Parquet, CSV or TSV with arm, item and value; or one file per arm (sample logs of lm-eval or lmms-eval, "
        "VLMEvalKit's tsv, csv or xlsx), written FILE, ARM=FILE or ARM@SEED=FILE.",
    ),
]
Baseline = Annotated[str, typer.Option("--baseline", metavar="ARM", help="Arm the others are compared with.")]
Metric = Annotated[str | None, typer.Option("--metric", help="Needed where there are several.")]
Task = Annotated[str | None, typer.Option("--task", help="Likewise.")]
Condition = Annotated[str | None, typer.Option("--condition", help="Likewise.")]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="FIELD", help="What items share (the image), in files of one arm."),
]
Control = Annotated[
    str | None,
    typer.Option("--control", metavar="ARM", help="Positive control: an arm that must be worse (blind)."),
]
Target = Annotated[
    str | None,
    typer.Option("--generalize-to", help="both, items or seeds; default: both, or items with one seed."),
]
Lower = Annotated[bool, typer.Option("--lower-is-better", help="For losses and error rates.")]
Shared = Annotated[
    bool, typer.Option("--shared-only", help="Go on with the items and seeds that all arms share.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Margin = Annotated[
    float | None,
    typer.Option("--margin", help="Largest loss accepted: asks for non-inferiority (0.01 is one point)."),
]
Equivalence = Annotated[
    bool, typer.Option("--equivalence", help="With --margin: neither worse nor better by as much.")
]
Alpha = Annotated[float, typer.Option("--alpha", help="Error rate over all arms.")]
