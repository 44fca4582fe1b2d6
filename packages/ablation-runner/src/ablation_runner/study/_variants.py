"""Variants, and the check of a name that a package offers."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from ablation_runner.errors import nearest


class Variant(BaseModel):
    """A variant by name, with its options beside the name."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    def options(self) -> dict[str, Any]:
        """The options, without the name."""
        return dict(self.model_extra or {})


def check_known(what: str, name: str, known: Iterable[str]) -> str:
    """The name, where it is known or one's own ("package.module:Name").

    Raises:
        ValueError: it is neither; with the nearest valid name.
    """
    names = list(known)
    if name not in names and ":" not in name:
        raise ValueError(f"unknown {what} {name!r}; {nearest(name, names)}")
    return name
