"""One solver on one instance, in a process of its own: ``python -m benchmarks.routing.process SOLVER JSON``.

Prints a line of JSON: what :class:`benchmarks.routing.found.Found` says, or ``{"refused": reason}``.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import run as run_process
from benchmarks.routing.families import read_instance
from benchmarks.routing.found import CannotExpress, Found

_PATIENCE: Final = 3.0  # times its seconds, and so many to start, after which a solver that does not stop is stopped
_START_S: Final = 60.0
PEERS: Final = {"pyvrp": "pyvrp", "ortools": "ortools", "vroom": "vroom"}  # name, and the module that it needs


def absent(peer: str) -> bool:
    """Whether a peer is not installed."""
    return importlib.util.find_spec(PEERS[peer]) is None


def solve_apart(solver: str, path: Path, *, family: str, convention: str | None, seconds: float, seed: int) -> Found:
    """Run lastmile or a peer, one thread, in a process of its own.

    Raises
    ------
    CannotExpress
        When the solver has no means for a rule of the instance.
    RuntimeError
        When the process fails, or does not end long after its seconds.
    """
    task = {
        "path": str(path),
        "family": family,
        "convention": convention,
        "seconds": seconds,
        "seed": seed,
    }
    patience_s = _PATIENCE * seconds + _START_S
    said = run_process("-m", "benchmarks.routing.process", solver, json.dumps(task), patience_s=patience_s).said
    if "refused" in said:
        raise CannotExpress(said["refused"])
    return Found.read(said)


def _solve_here(solver: str, task: dict[str, Any]) -> Found:
    instance = read_instance(task["family"], Path(task["path"]), task["convention"])
    if solver == "lastmile":
        from benchmarks.routing import lastmile_solver

        return lastmile_solver.run(instance, seconds=task["seconds"], iterations=None, seed=task["seed"])
    peer = importlib.import_module(f"benchmarks.routing.peers.{solver}")
    found: Found = peer.run(instance, seconds=task["seconds"], seed=task["seed"])
    return found


def _main() -> None:
    solver, task = sys.argv[1:]
    try:
        said = _solve_here(solver, json.loads(task)).plain()
    except CannotExpress as refusal:
        said = {"refused": str(refusal)}
    print(json.dumps(said))


if __name__ == "__main__":
    _main()
