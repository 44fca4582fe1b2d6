from .errors import StudyError as StudyError
from .plan import resolve_arms as resolve_arms
from .running.pipeline import run as run
from .running.prepared import Prepared as Prepared
from .running.prepared import prepare as prepare
from .study import Study as Study
from .study import load_study as load_study

__all__ = ["Prepared", "Study", "StudyError", "load_study", "prepare", "resolve_arms", "run"]
