"""Arrays of a problem cannot be changed once it is made."""

from dataclasses import fields

import numpy as np


def freeze(instance: object) -> None:
    """Set every array of a dataclass read-only."""
    for item in fields(instance):  # type: ignore[arg-type]
        value = getattr(instance, item.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
