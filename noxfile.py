# /// script
# dependencies = ["nox>=2025.10"]
# ///
"""Everything a maintainer or a newcomer runs: `pip install nox && nox -s demo` or `nox -s tests`."""

import hashlib
import os
import sys
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typecheck", "layers", "build"]

ROOT = Path(__file__).parent
PACKAGES = [
    "token-budget",
    "vlm-encoders",
    "vlm-fusion",
    "relevance-allocator",
    "vlm-tasks",
    "ablation-stats",
    "ablation-runner",
]
# Shapes stand in the signatures of these, and are checked when tests run.
SHAPED = ["token_budget", "vlm_encoders", "vlm_fusion", "relevance_allocator"]
# The one environment with torch; sessions that use it have none of their own.
SHARED = ROOT / ".nox" / "shared"
GROUPS = nox.project.load_toml("pyproject.toml")


def group(*names: str) -> list[str]:
    """Requirements of dependency groups of the root pyproject."""
    return [requirement for name in names for requirement in nox.project.dependency_groups(GROUPS, name)]


def run_shared(session: nox.Session, program: str, *arguments: str) -> None:
    """Runs a program of the shared environment, which is made on first use with every package, editable."""
    files = [ROOT / "pyproject.toml", *sorted(ROOT.glob("packages/*/pyproject.toml"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = SHARED / "installed"
    python = str(SHARED / "bin" / "python")
    if not (stamp.is_file() and stamp.read_text() == digest):
        session.run(sys.executable, "-m", "venv", "--clear", str(SHARED), external=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        session.run(*pip, "hatchling>=1.27", "editables", "setuptools>=77", "wheel", external=True)
        editable = [part for name in PACKAGES for part in ("-e", f"./packages/{name}{extras(name)}")]
        third_party = group("torch", "test", "typecheck")
        session.run(*pip, "--no-build-isolation", *third_party, *editable, external=True)
        stamp.write_text(digest)
    path = os.pathsep.join([str(SHARED / "bin"), os.environ["PATH"]])  # of commands that a study starts
    session.env.update({"OMP_NUM_THREADS": "1", "VIRTUAL_ENV": str(SHARED), "PATH": path})
    session.run(str(SHARED / "bin" / program), *arguments, external=True)


def extras(name: str) -> str:
    """All extras of a package, as pip writes them behind its name."""
    project = tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text())["project"]
    names = sorted(project.get("optional-dependencies", {}))
    return f"[{','.join(names)}]" if names else ""


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """Runs the study fusion-method: trains, judges, reports."""
    run_shared(session, "ablate", "run", "fusion-method", *session.posargs)


@nox.session(venv_backend="none")
def studies(session: nox.Session) -> None:
    """Runs the built-in studies, or those that are named, at cpu scale; only what is missing or has changed."""
    run_shared(session, "ablate", "run", *(session.posargs or built_in_studies()))


@nox.session(name="studies-smoke", venv_backend="none")
def studies_smoke(session: nox.Session) -> None:
    """Runs every arm of the built-in studies, or of those that are named, for two steps, all in one process."""
    trained = [name for name in built_in_studies() if name != "planted-truth"]  # which trains nothing
    names = session.posargs or trained
    run_shared(session, "ablate", "run", *names, "--smoke", "--workers", "0")


@nox.session(name="study-pages", venv_backend="none")
def study_pages(session: nox.Session) -> None:
    """Checks that docs/studies holds every built-in study as the code would run it; `-- publish NAME` takes runs over."""
    run_shared(session, "python", "-m", "tools.study_pages", *(session.posargs or ["check"]))


def built_in_studies() -> list[str]:
    """Names of the studies that come with the runner."""
    return sorted(path.stem for path in ROOT.glob("packages/ablation-runner/src/*/studies/*.toml"))


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Runs every test that is not slow, then every example of a docstring."""
    checked = f"--jaxtyping-packages={','.join(SHAPED)},beartype.beartype"
    spread = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"]
    chosen = ["-m", "not slow and not gpu", "--durations=15", *session.posargs]
    run_shared(session, "pytest", checked, *spread, *chosen)
    if not session.posargs:
        sources = [f"packages/{name}/src" for name in PACKAGES]
        run_shared(session, "pytest", "--doctest-modules", "-q", *sources)


@nox.session(name="tests-slow", venv_backend="none")
def tests_slow(session: nox.Session) -> None:
    """Runs the slow tests."""
    run_shared(session, "pytest", "-m", "slow", "--durations=30", *session.posargs)


@nox.session(venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Runs what needs an NVIDIA GPU: studies killed and resumed there, all parts against the CPU, memory, throughput."""
    if not Path("/dev/nvidiactl").exists():
        session.skip("no NVIDIA GPU here; the same runs at tiny shapes on the CPU in tests-slow")
    run_shared(session, "pytest", "-m", "gpu", *session.posargs)
    for stage in ("2", "3"):
        run_shared(session, "python", "packages/ablation-runner/bench/throughput.py", "--zero-stage", stage)


@nox.session
def lint(session: nox.Session) -> None:
    """Checks style and formatting."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def typecheck(session: nox.Session) -> None:
    """Checks types, strictly, in every source folder and in this file."""
    for name in PACKAGES:
        run_shared(session, "mypy", f"packages/{name}/src")
    run_shared(session, "mypy", "noxfile.py", "tools")


@nox.session
def layers(session: nox.Session) -> None:
    """Checks that arrows point down and that each package declares exactly what it imports."""
    session.install(*group("layers"))
    session.env["PYTHONPATH"] = os.pathsep.join(str(ROOT / "packages" / name / "src") for name in PACKAGES)
    session.run("lint-imports")
    session.run("python", "tools/check_dependencies.py")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Times each package against its peers; wants a quiet machine."""
    session.env["THP_MEM_ALLOC_ENABLE"] = "1"
    run_shared(session, "python", "-m", "pip", "install", "--quiet", *group("bench"))
    for script in sorted(ROOT.glob("packages/*/bench/bench_*.py")):
        if not session.posargs or any(word in str(script) for word in session.posargs):
            run_shared(session, "python", str(script.relative_to(ROOT)))


@nox.session
def docs(session: nox.Session) -> None:
    """Builds the documentation site; a warning is an error."""
    session.install(*group("docs"))
    session.run("mkdocs", "build", "--strict", "--site-dir", "site", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def build(session: nox.Session) -> None:
    """Builds every wheel and sdist, then proves that each installs, imports and runs its README alone."""
    session.install(*group("build"))
    session.run("python", "tools/build_packages.py", "dist")
    session.run("python", "tools/try_packages.py", "dist", *group("torch"))
