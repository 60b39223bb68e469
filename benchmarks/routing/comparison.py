"""Tables of a comparison: every instance, then means by class and over all."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from benchmarks.routing.best_known import Best
from benchmarks.routing.check import Judged
from benchmarks.routing.gaps import Gap, gap, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one solver did on one instance with one seed.

    Parameters
    ----------
    judged
        By the checker; None where there is nothing to judge.
    reason
        Why the peer has nothing: a rule that it cannot express, or how it failed.
    """

    solver: str
    instance: str
    customers: int
    seed: int
    best: Best | None
    judged: Judged | None = None
    seconds: float | None = None
    iterations: int | None = None
    reason: str | None = None

    @property
    def gap(self) -> Gap | None:
        """Of a solution that breaks no rule, where a best one is known."""
        if self.judged is None or self.judged.violations or self.best is None:
            return None
        return gap(self.judged, self.best)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def class_of(family: str, instance: str, customers: int) -> str | None:
    """Class of an instance within its family: Solomon's letters and digit, or how many customers it has."""
    if family in ("vrptw-100", "vrptw-1000", "pcvrptw", "evrptw"):
        letters = re.match(r"(rc|r|c)[12]", instance, flags=re.IGNORECASE)
        size = re.search(r"\dC(5|10|15)$", instance)
        if letters is None:
            return None
        return f"{size[1]} customers" if size else letters[0].upper()
    if family == "cvrp":
        return "up to 250" if customers <= 250 else "251 to 500" if customers <= 500 else "501 to 1,000"
    return None


def markdown(family: str, results: Sequence[Result], solvers: Sequence[str], time_limit: float) -> str:
    """Costs and gaps of each instance, mean gaps of each class, and below what is missing and why."""
    names = list(dict.fromkeys(result.instance for result in results))
    by_name = {name: [result for result in results if result.instance == name] for name in names}
    lines = [
        f"| instance | best known | {' | '.join(solvers)} |",
        f"|---|--:|{'--:|' * len(solvers)}",
    ]
    for name, rows in by_name.items():
        cells = [_cell([row for row in rows if row.solver == solver]) for solver in solvers]
        lines.append(f"| {name} | {_best(rows[0].best)} | {' | '.join(cells)} |")
    lines += ["", f"| {family}, mean gap | instances | {' | '.join(solvers)} |", f"|---|--:|{'--:|' * len(solvers)}"]
    classes = {name: class_of(family, name, rows[0].customers) for name, rows in by_name.items()}
    for label in sorted({label for label in classes.values() if label is not None}):
        lines.append(_means(label, [name for name in names if classes[name] == label], results, solvers))
    lines.append(_means("all", names, results, solvers))
    return "\n".join(lines + _notes(results, time_limit))


def _best(best: Best | None) -> str:
    if best is None:
        return "–"
    cost = f"{best.cost:,.10g}"
    return cost if best.vehicles is None else f"{best.vehicles} / {cost}"


def _cell(rows: Sequence[Result]) -> str:
    """Mean cost of the runs that are feasible, and their mean gap."""
    judged = [row.judged for row in rows if row.judged is not None and not row.judged.violations]
    if not judged:
        return "infeasible" if any(row.judged for row in rows) else "-"
    cost = f"{mean(one.cost for one in judged):,.8g}"
    if any(row.best is not None and row.best.vehicles is not None for row in rows):
        cost = f"{mean(one.vehicles for one in judged):g} / {cost}"
    behind = _mean_gap(rows)
    short = f", {len(judged)} of {len(rows)} feasible" if len(judged) < len(rows) else ""
    return f"{cost} ({behind}{short})" if behind or short else cost


def _mean_gap(rows: Iterable[Result]) -> str:
    """Mean of what can be compared; vehicles more than the best known have, where there are."""
    gaps = [row.gap for row in rows if row.gap is not None]
    percents = [one.percent for one in gaps if one.percent is not None]
    vehicles = sum(one.vehicles for one in gaps)
    parts = [percent(mean(percents))] if percents else []
    if any(one.vehicles for one in gaps):
        parts.append(f"{vehicles:+d} vehicle{'s' if abs(vehicles) != 1 else ''} in {len(gaps)}")
    return ", ".join(parts)


def _means(label: str, names: Sequence[str], results: Sequence[Result], solvers: Sequence[str]) -> str:
    cells = []
    for solver in solvers:
        rows = [row for row in results if row.solver == solver and row.instance in names]
        short = sum(row.gap is None for row in rows if row.best is not None)
        text = _mean_gap(rows) or "-"
        cells.append(f"{text} ({short} runs missing)" if short and text != "-" else text)
    return f"| {label} | {len(names)} | {' | '.join(cells)} |"


def _notes(results: Sequence[Result], time_limit: float) -> list[str]:
    """What the figures do not show: rules that a peer cannot express or broke, failures, and who took longer."""
    found: dict[str, list[str]] = {}
    for row in results:
        text = row.reason
        if row.judged is not None and row.judged.violations:
            text = f"breaks {len(row.judged.violations)} rules, first: {row.judged.violations[0]}"
        if text is not None:
            names = found.setdefault(f"{row.solver}: {text}", [])
            if row.instance not in names:
                names.append(row.instance)
    for row in results:
        if row.seconds is not None and row.seconds > 1.1 * time_limit:
            names = found.setdefault(f"{row.solver}: takes more than its {time_limit:g} s", [])
            text = f"{row.instance} {row.seconds:.1f} s"
            if text not in names:
                names.append(text)
    return ["", *(f"- {text} ({', '.join(names)})" for text, names in found.items())] if found else []
