"""Whole programs, each in a process of its own: wall time and peak memory, medians over runs."""

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The runner's only child is the program, so the children's peak is the program's; the runner itself is not measured.
_RUNNER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
wall_s = time.perf_counter() - start
peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
json.dump({"wall_s": wall_s, "peak_mb": peak_kb / 1024, "printed": done.stdout.strip()}, sys.stdout)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: how long it took, how much memory it held at most, what it printed."""

    wall_s: float
    peak_mb: float
    printed: str

    @property
    def said(self) -> Any:
        """What a program said that speaks JSON: its last line."""
        return json.loads(self.printed.splitlines()[-1])


def run(*arguments: str, patience_s: float | None = None) -> Run:
    """Run Python with arguments and measure it, imports included.

    Raises
    ------
    RuntimeError
        When the program fails; with what it said. When it has not ended after `patience_s`; it is then ended.
    """
    # In a group of its own, so that the program ends with its runner.
    with subprocess.Popen(
        [sys.executable, "-c", _RUNNER, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, said = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired as late:
            os.killpg(process.pid, signal.SIGKILL)
            raise RuntimeError(f"{' '.join(arguments)} did not end in {patience_s:g} s") from late
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{said}")
    return Run(**json.loads(printed))


def by_turns(programs: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[Run]]:
    """Run programs one after the other, again and again, so that a busy moment of the machine meets all of them."""
    measured: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(runs):
        for name, arguments in programs.items():
            measured[name].append(run(*arguments))
    return measured


def median(runs: list[Run]) -> Run:
    """Medians of time and of memory, each by itself."""
    return Run(
        wall_s=statistics.median(run.wall_s for run in runs),
        peak_mb=statistics.median(run.peak_mb for run in runs),
        printed=runs[0].printed,
    )
