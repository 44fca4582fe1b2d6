"""What all settings of a study file have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, model_validator


class Settings(BaseModel):
    """Frozen settings that refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _refused_like_any_value(cls, value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """Makes one error of all: options are checked by the packages that use them, or by a user's own class."""
        try:
            return handler(value)
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
