"""What a study needs of the machine and of what is installed on it."""

from ablation_runner.doctor._examine import examine
from ablation_runner.doctor._finding import Finding

__all__ = ["Finding", "examine"]
