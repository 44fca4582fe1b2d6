"""Makes the samples importable: pytest's importlib mode leaves this folder off the path."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

spec = spec_from_file_location("official_samples", Path(__file__).with_name("official_samples.py"))
assert spec is not None
assert spec.loader is not None
sys.modules["official_samples"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["official_samples"])
