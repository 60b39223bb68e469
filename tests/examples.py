"""How many examples a law is tried on: enough to notice in the fast suite, many more where time is no matter."""

from hypothesis import settings

THOROUGH = "thorough"


def examples(few: int, many: int) -> int:
    """``few`` in the fast suite, ``many`` with ``pytest -m hypothesis --hypothesis-profile=thorough``."""
    return many if settings.get_current_profile_name() == THOROUGH else few
