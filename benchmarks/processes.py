"""Whole programs, each in a process of its own: wall time and peak memory, medians over runs."""

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

# The runner's only child is the program, so the children's peak is the program's.
_RUNNER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
sys.stderr.write(done.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(done.stdout)
sys.exit(done.returncode)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: how long it took, how much memory it held at most, what it printed."""

    wall_s: float
    peak_mb: float
    printed: str


def run(*arguments: str) -> Run:
    """Run Python with arguments and measure it, imports included.

    Raises
    ------
    RuntimeError
        When the program fails; with what it said.
    """
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _RUNNER, *arguments], check=False, capture_output=True, text=True)
    wall_s = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    kilobytes, _, printed = done.stdout.partition("\n")
    return Run(wall_s=wall_s, peak_mb=int(kilobytes) / 1024, printed=printed.strip())


def median(runs: list[Run]) -> Run:
    """Medians of time and of memory, each by itself."""
    return Run(
        wall_s=statistics.median(run.wall_s for run in runs),
        peak_mb=statistics.median(run.peak_mb for run in runs),
        printed=runs[0].printed,
    )
