"""What both commands are asked, and how they refuse."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from benchmarks.routing import evrptw, solomon
from benchmarks.routing.families import FAMILIES, check_family, instance_files
from lastmile.errors import InputError


class Refused(click.ClickException):
    """An input that cannot be used: where, what, and what to do about it."""

    exit_code = 2


def instances(command: Callable[..., None], *, others: tuple[str, ...] = ()) -> Callable[..., None]:
    """Options FAMILY, PATH..., --convention and --recharge; the command gets family, files and convention.

    ``others`` are families besides those of routing that the command knows.
    """

    @click.argument("family", metavar="FAMILY")
    @click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
    @click.option(
        "--convention", type=click.Choice(solomon.CONVENTIONS), help="Of vrptw-100; default dimacs: distances cut."
    )
    @click.option(
        "--recharge",
        type=click.Choice(evrptw.CONVENTIONS),
        help="Of evrptw: how far batteries are charged; default partial.",
    )
    @wraps(command)
    def read(
        *args: Any, family: str, paths: tuple[Path, ...], convention: str | None, recharge: str | None, **rest: Any
    ) -> None:
        if recharge and family != "evrptw":
            raise click.UsageError("--recharge is for evrptw")
        if convention and family != "vrptw-100":
            raise click.UsageError("--convention is for vrptw-100")
        try:
            if family not in others:
                check_family(family, convention or recharge)
            command(*args, family=family, files=instance_files(paths), convention=convention or recharge, **rest)
        except InputError as error:
            raise Refused(str(error)) from error

    read.__doc__ = (
        f"{command.__doc__}\n\nFAMILY is one of {', '.join((*FAMILIES, *others))}. PATH is an instance or a folder."
    )
    return read
