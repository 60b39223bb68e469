"""Programs that lastmile is measured beside, each behind the few calls that the questions need."""

from importlib.util import find_spec


def absent(module: str) -> str:
    """Why a peer cannot be measured here; empty where it can."""
    return "" if find_spec(module) else f"{module} is not installed"
