"""The sources of parts that a study names as `package.module:Name`: they determine results as ours do."""

import hashlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.study import Configuration

_OWN = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*:[A-Za-z_]\w*")
_LIBRARIES = {"open_clip", "hf", "timm"}  # prefixes of encoders' names


def own_sources(configuration: Configuration) -> str:
    """A digest of the Python files of every package that own parts come from; empty where there are none.

    Raises:
        StudyError: a package cannot be found.
    """
    digest = hashlib.sha256()
    packages = sorted(set(_packages(configuration.model_dump())))
    for package in packages:
        for name, path in _files(package):
            digest.update(f"{name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16] if packages else ""


def _packages(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list | tuple):
        for each in node:
            yield from _packages(each)
    elif isinstance(node, str) and (found := _OWN.fullmatch(node)) and found[1] not in _LIBRARIES:
        yield found[1]


def _files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise StudyError(f"no package {package!r} is installed, and the study names a part of it")
    for root in map(Path, spec.submodule_search_locations or ()):
        for path in sorted(root.rglob("*.py")):
            yield f"{package}/{path.relative_to(root)}", path
    if not spec.submodule_search_locations:
        yield package, Path(str(spec.origin))
