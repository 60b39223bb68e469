"""Which families of instances can be read, and by what."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.routing import evrptw, jd, solomon, vrplib
from benchmarks.routing.instance import Instance
from lastmile.errors import InputError

FAMILIES: Final = (*vrplib.DIALECTS, "vrptw-100", "evrptw", "evrptwspd-jd")
CONVENTIONS: Final = {"vrptw-100": solomon.CONVENTIONS, "evrptw": evrptw.CONVENTIONS}  # the first is the usual one
_LOCATION_ROUTING: Final = "choosing depots together with routes, which siting does, not the routing of one fleet"
MISSING: Final = {
    "vrpdo": "lockers whose capacity all vehicles share, one preparation per stop, service levels over all orders",
    "tdvrptw": "travel times that depend on the moment of departure",
    "lrp-prodhon": _LOCATION_ROUTING,
    "lrp-tuzun": _LOCATION_ROUTING,
    "lrp-schneider": _LOCATION_ROUTING,
}


def read_instance(family: str, path: Path, convention: str | None = None) -> Instance:
    """Read one instance of a family, by one of its :data:`CONVENTIONS`; None for the usual.

    Raises
    ------
    InputError
        When the family or its convention is not known, or the file is not of its format.
    """
    check_family(family, convention)
    if family in CONVENTIONS:
        reader = solomon.read if family == "vrptw-100" else evrptw.read
        return reader(path, convention or CONVENTIONS[family][0])
    return jd.read(path) if family == "evrptwspd-jd" else vrplib.read(path, family)


def check_family(family: str, convention: str | None = None) -> None:
    """Say what is wrong with a family's name or convention.

    Raises
    ------
    InputError
        When there is no reader for it.
    """
    known = CONVENTIONS.get(family, ())
    if family in MISSING:
        raise InputError.single(
            place=f"family {family}",
            cause=f"its rules need what the solver does not have: {MISSING[family]}",
            remedy=f"name one of {', '.join(FAMILIES)}",
        )
    if family not in FAMILIES:
        raise InputError.single(
            place=f"family {family}", cause="there is no such family", remedy=f"name one of {', '.join(FAMILIES)}"
        )
    if convention is not None and convention not in known:
        raise InputError.single(
            place=f"family {family}",
            cause=f"it has no convention {convention!r}",
            remedy=f"name one of {', '.join(known)}" if known else "name none: it has one convention",
        )


def instance_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Files as they are, and all instances of folders, by name.

    Raises
    ------
    InputError
        When a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix in (".vrp", ".txt"))
        if not inside:
            raise InputError.single(
                place=str(path), cause="it holds no .vrp and no .txt file", remedy="name a folder of instances"
            )
        found += inside
    return tuple(found)
