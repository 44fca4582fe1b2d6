"""Two sides of a case, ours and a peer's, each timed in a process of its own."""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison: our work, the peer's (None: only our own limits), and what is asked of the ratio."""

    ours: Callable[[int], Work]
    peer: Callable[[int], Work] | None
    needs: str | None = None
    at_least: float | None = None
    most_seconds: float | None = None
    most_mib: float | None = None
    peer_share: float = 1.0


def one_side(case: Case, name: str, side: str, scale: int) -> None:
    """Measure one side of one case here and print it as JSON."""
    make = case.ours if side == "ours" else case.peer
    if make is None:
        raise ValueError(f"case {name!r} has no peer")
    work = make(scale)
    work()
    walls, processor = [], []
    started = time.perf_counter()
    while len(walls) < 3 or (len(walls) < 30 and time.perf_counter() - started < 1.0):
        wall, used = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - used)
        if scale > 1 or time.perf_counter() - started > 30:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": min(walls), "cpu": min(processor), "mib": peak}))


def measured(script: str, name: str, side: str, scale: int) -> dict[str, float]:
    """The numbers of one side, from a process of its own."""
    command = [sys.executable, script, "--one", name, "--side", side, "--scale", str(scale)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(shown.splitlines()[-1]))


def report(cases: Mapping[str, Case], script: str, scale: int) -> bool:
    """Print every case; False where a bound is missed by more than half."""
    held = True
    for name, case in cases.items():
        ours = measured(script, name, "ours", scale)
        line = (
            f"{name:46} {ours['wall'] * 1e3:9.1f} ms  cpu {ours['cpu'] * 1e3:8.1f} ms  {ours['mib']:6.0f} MiB"
        )
        if case.peer is not None and case.needs is not None and importlib.util.find_spec(case.needs) is None:
            line += f"  peer {case.needs} is not installed: NOT COMPARED"
        elif case.peer is not None:
            peer = measured(script, name, "peer", scale)
            ratio = peer["wall"] / case.peer_share / ours["wall"]
            line += f"  peer {peer['wall'] / case.peer_share:9.2f} s {peer['mib']:6.0f} MiB  {ratio:8.0f}x"
            line += f" (asked {case.at_least:g}x)"
            held &= scale > 1 or ratio >= (case.at_least or 0) / 2
        for limit, key, unit in ((case.most_seconds, "wall", "s"), (case.most_mib, "mib", "MiB")):
            if limit is not None:
                line += f"  (at most {limit:g} {unit})"
                held &= scale > 1 or ours[key] <= limit * 2
        print(line, flush=True)
    return held


def run(cases: Mapping[str, Case], *, script: str, description: str | None) -> None:
    """Run all cases, or one side of one where asked; fails where a bound is missed by more than half."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tiny", action="store_true", help="small sizes, no bounds")
    parser.add_argument("--one", choices=list(cases))
    parser.add_argument("--side", choices=["ours", "peer"], default="ours")
    parser.add_argument("--scale", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.one is not None:
        one_side(cases[arguments.one], arguments.one, arguments.side, arguments.scale)
    elif not report(cases, script, 20 if arguments.tiny else 1):
        sys.exit("a bound was missed by more than half")
