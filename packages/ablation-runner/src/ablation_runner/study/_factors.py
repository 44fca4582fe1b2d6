"""What varies in a study: factors with their levels, and the design that combines them into arms."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ablation_runner.study._settings import Settings

Changes = dict[str, Any]  # dotted path of the configuration to value

DesignKind = Literal[
    "one-factor-at-a-time",
    "full-factorial",
    "fractional-factorial",
    "plackett-burman",
    "leave-one-out",
    "add-one-in",
    "build-up",
    "greedy-sequential",
    "dose-response",
]


class Design(Settings):
    """How the levels of the factors are combined into arms."""

    kind: Annotated[DesignKind, Field(description="Which combinations are run.")] = "one-factor-at-a-time"
    generators: Annotated[
        list[str],
        Field(description='Of a fractional factorial: "d=a*b*c", with names of factors.'),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _generators_fit(self) -> "Design":
        if (self.kind == "fractional-factorial") != bool(self.generators):
            raise ValueError(
                f"generators belong to the kind fractional-factorial and it needs at least one; "
                f"kind is {self.kind} with {len(self.generators)} generators"
            )
        return self


class Factor(Settings):
    """One thing that varies: a path of the configuration, or several that form one treatment, and its levels."""

    path: Annotated[
        str | None, Field(description="Dotted path of the configuration, such as model.connector.")
    ] = None
    paths: Annotated[
        list[str], Field(description="Several paths that change together, as one treatment; needs a reason.")
    ] = Field(default_factory=list)
    reason: Annotated[
        str | None, Field(min_length=1, description="Why the paths form one treatment; shown in the report.")
    ] = None
    levels: Annotated[
        list[Any] | dict[str, Any],
        Field(
            min_length=1,
            description="Values, or a table of names and values; with paths, each value is a table of path and value.",
        ),
    ]

    @model_validator(mode="after")
    def _one_treatment(self) -> "Factor":
        if (self.path is None) == (not self.paths):
            raise ValueError("a factor has either path or paths, exactly one of them")
        if bool(self.paths) != (self.reason is not None):
            raise ValueError(
                "a factor with paths says in reason why they form one treatment, any other has none"
            )
        if self.paths:
            self._check_grouped()
        elif isinstance(self.levels, list):
            names = [level_name(str(self.path), value) for value in self.levels]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two levels are called {twice[0]!r}; remove one, or name them in a table")
        return self

    def named_levels(self) -> dict[str, Changes]:
        """Name of each level to what it sets, in the order of the file."""
        if self.path is None:
            assert isinstance(self.levels, dict)
            return dict(self.levels)
        if isinstance(self.levels, dict):
            return {name: {self.path: value} for name, value in self.levels.items()}
        return {level_name(self.path, value): {self.path: value} for value in self.levels}

    def _check_grouped(self) -> None:
        if len(set(self.paths)) != len(self.paths):
            raise ValueError(f"paths must differ, got {self.paths}")
        named = self.levels if isinstance(self.levels, dict) else {"": None}
        for name, changes in named.items():
            if not isinstance(changes, dict) or set(changes) != set(self.paths):
                raise ValueError(
                    f"a factor with paths has a table of levels, each a table that sets exactly {self.paths}; "
                    f"level {name!r} is {changes!r}"
                )


def level_name(path: str, value: Any) -> str:
    """What a level is called that has no name: the variant's name, or the last part of the path with the value.

    >>> level_name("tokens.budget", 16)
    'budget-16'
    >>> level_name("model.connector", {"name": "mlp", "depth": 3})
    'mlp-depth=3'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "name" in value:
        options = [f"{key}={option}" for key, option in value.items() if key != "name"]
        return "-".join([str(value["name"]), *options])
    return f"{path.rsplit('.', 1)[-1]}-{value}"


class Tuning(Settings):
    """A value picked for every arm on validation, from the same candidates, under the first seed."""

    path: Annotated[
        str, Field(description="Dotted path of the configuration, such as training.learning_rate.")
    ]
    values: Annotated[list[Any], Field(min_length=2, description="Candidates; every arm tries all of them.")]
