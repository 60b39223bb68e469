"""The slow, obvious twin of the routing core: what a tour means, whether a solution is sound, which one is cheapest.

Nothing here is shared with a solver.
"""

from lastmile.solvers.referee.enumeration import cheapest
from lastmile.solvers.referee.rounds import Infeasible, evaluate
from lastmile.solvers.referee.solutions import check

__all__ = ["Infeasible", "cheapest", "check", "evaluate"]
