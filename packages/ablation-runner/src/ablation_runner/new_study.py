"""A study of one's own, begun as a copy of a built-in one."""

import re
from pathlib import Path

from ablation_runner.errors import StudyError, nearest
from ablation_runner.study import built_in_studies


def new_study(name: str, *, source: str, folder: Path = Path()) -> Path:
    """The path of `NAME.toml`, written as a copy of a built-in study.

    Args:
        name: of the study: letters, digits, `-`, `_` and `.`, as it also names its folder of results.
        source: the built-in study that is copied.
        folder: where it is written.

    Raises:
        StudyError: the name does not fit or is a built-in study's, the source is unknown, or the file cannot be
            made, as where it exists.
    """
    known = built_in_studies()
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise StudyError(f"a study is named by letters, digits, '-', '_' and '.', got {name!r}")
    if name in known:
        raise StudyError(f"{name!r} is the name of a built-in study; choose another")
    if source not in known:
        raise StudyError(f"unknown built-in study {source!r}; {nearest(source, known)}")
    path = folder / f"{name.removesuffix('.toml')}.toml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(known[source].read_text(encoding="utf-8"))
    except FileExistsError:
        raise StudyError(f"{path} exists; it is not overwritten") from None
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from error
    return path
