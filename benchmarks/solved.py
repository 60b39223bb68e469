"""What ``python -m benchmarks solve`` has of one instance, of any family."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A checked solution: the rules that it breaks; where there are none, what its file and the command say of it."""

    name: str
    violations: tuple[str, ...] = ()
    answer: dict[str, Any] = field(default_factory=dict)
    told: str = ""
