"""The command `ablation-stats`: comparisons, audits and power from files, without writing Python."""

import re
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; what a user got wrong is one line on standard error and exit code 2."""
    try:
        import typer

        from ablation_stats._commands import app
    except ImportError:
        _stop("the command needs the extra: pip install 'ablation-stats[cli]'")
    try:
        code = app(arguments, prog_name="ablation-stats", standalone_mode=False)
    except typer.TyperException as error:
        _stop(getattr(error, "format_message", error.__str__)())
    except (ValueError, ImportError, OSError) as error:
        _stop(str(error))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(message: str) -> NoReturn:
    """One line on standard error, in the words of the command line, and exit code 2."""
    line = " ".join(message.split())
    line = re.sub(r"choose one with (\w+)=\.\.\.", r"choose one with --\1", line)
    line = line.replace('Pass on_missing="report" to paired_cube', "Pass --shared-only")
    line = re.sub(r'generalize_to(="(\w+)")?', r"--generalize-to \2", line).replace("  ", " ")
    sys.stderr.write(f"ablation-stats: {line}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
