"""Where something was measured, and with which packages."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine() -> str:
    """Cores, processor and Python."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ] or [platform.machine()]
    return f"{len(names)} cores of {names[0]}, Python {platform.python_version()}"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Version of each package, or ``absent``."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
