"""Write the files of a plan or a study: all into a new folder that then takes the old one's place, or none."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lastmile.errors import InputError
from lastmile.joint import JointDelivery
from lastmile.output.catchment_shapes import catchment_shapes
from lastmile.output.frontier_files import write_frontier_files
from lastmile.output.joint_files import write_joint_files
from lastmile.output.maps import draw_map
from lastmile.output.plan_files import write_plan
from lastmile.output.report import render_report
from lastmile.output.trace_files import write_trace_files
from lastmile.output.trace_map import draw_traces
from lastmile.pipeline import Planned
from lastmile.stages.frontier import Frontier
from lastmile.traces.study import TraceStudy


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a folder of ours holds: ``name`` in messages; with the file ``mark`` it may be replaced."""

    name: str
    mark: str
    files: tuple[str, ...]


PLAN: Final = Contents(
    name="a plan",
    mark="plan.json",
    files=("plan.json", "sites.geojson", "routes.geojson", "plan.gpkg", "stops.csv", "indicators.json", "map.html",
           "report.html"),
)  # fmt: skip
TRACES: Final = Contents(
    name="a study of traces",
    mark="measured-speeds.csv",
    files=("measured-speeds.csv", "speeds-by-class.csv", "zone-entries.csv", "rounds.csv", "visits.csv",
           "matched.geojson", "traces.html"),
)  # fmt: skip
FRONTIER: Final = Contents(name="a frontier", mark="frontier.csv", files=("frontier.csv", "frontier.svg"))
JOINT: Final = Contents(
    name="a study of joint delivery", mark="joint.csv", files=("joint.csv", "coalitions.csv", "joint.svg")
)
# What a full, read-only or protected disk says; anything else is our fault.
_DISK_SAYS: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENAMETOOLONG)


def map_page(planned: Planned, *, tiles: bool = False) -> str:
    """The plan's interactive map, as one self-contained page."""
    city = planned.city
    return draw_map(
        planned.plan,
        planned.indicators,
        scenario=planned.scenario,
        demand=city.demand,
        network=city.network,
        features=city.features,
        catchments=catchment_shapes(city.network, planned.plan.sites, planned.scenario),
        walks=planned.walks,
        tiles=tiles,
    )


def report_page(planned: Planned) -> str:
    """The plan's printable report, as one self-contained page."""
    return render_report(planned.plan, planned.indicators, planned.scenario)


def check_target(folder: Path, contents: Contents = PLAN) -> None:
    """Raise InputError where writing would destroy something that is not of ours."""
    if folder.exists() and not folder.is_dir():
        raise InputError.single(
            place=str(folder), cause="is a file, a folder is needed", remedy="choose another folder with -o"
        )
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())
        # Programs that open the GeoPackage leave files named after it.
        others = [name for name in names if name not in contents.files and not name.startswith("plan.gpkg-")]
        if others or (names and contents.mark not in names):
            raise InputError.single(
                place=str(folder),
                cause=f"the folder holds other files than {contents.name} ({', '.join((others or names)[:3])}), "
                "so it is not replaced",
                remedy="choose an empty or new folder with -o",
            )
    # The nearest folder above that exists is where writing begins.
    above = folder.resolve().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise InputError.single(
            place=str(above), cause="is a file, a folder is needed", remedy="choose another folder with -o"
        )
    if not os.access(above, os.W_OK):
        raise InputError.single(place=str(above), cause="may not be written to", remedy="choose another folder with -o")


def write_outputs(planned: Planned, folder: Path, *, tiles: bool = False) -> None:
    """Write plan, tables, map and report; the folder changes as a whole or not at all.

    Raises
    ------
    InputError
        When the folder holds something other than a plan, or the disk is full or protected.
    """

    def write(new: Path) -> None:
        write_plan(planned.plan, planned.city.demand, planned.city.network, new)
        text = json.dumps(planned.indicators, ensure_ascii=False, indent=1)
        (new / "indicators.json").write_text(text + "\n", encoding="utf-8")
        (new / "map.html").write_text(map_page(planned, tiles=tiles), encoding="utf-8")
        (new / "report.html").write_text(report_page(planned), encoding="utf-8")

    replace_folder(folder, PLAN, write)


def write_study(study: TraceStudy, folder: Path) -> None:
    """Write what traces tell; the folder changes as a whole or not at all.

    Raises
    ------
    InputError
        When the folder holds something other than such a study, or the disk is full or protected.
    """

    def write(new: Path) -> None:
        write_trace_files(study, new)
        (new / "traces.html").write_text(draw_traces(study), encoding="utf-8")

    replace_folder(folder, TRACES, write)


def write_frontier(frontier: Frontier, folder: Path) -> None:
    """Write a frontier's table and chart; the folder changes as a whole or not at all.

    Raises
    ------
    InputError
        When the folder holds something other than a frontier, or the disk is full or protected.
    """
    replace_folder(folder, FRONTIER, lambda new: write_frontier_files(frontier, new))


def write_joint(made: JointDelivery, folder: Path) -> None:
    """Write the tables and chart of joint delivery; the folder changes as a whole or not at all.

    Raises
    ------
    InputError
        When the folder holds something other than such a study, or the disk is full or protected.
    """
    replace_folder(folder, JOINT, lambda new: write_joint_files(made, new))


def replace_folder(folder: Path, contents: Contents, write: Callable[[Path], None]) -> None:
    """Have ``write`` fill a new folder, and put it in the place of ``folder``.

    Raises
    ------
    InputError
        When the folder holds something else than such contents, or the disk is full or protected.
    """
    folder = folder.resolve()
    check_target(folder, contents)
    with _disk_faults(folder):
        _write_folder(folder, write)


@contextmanager
def _disk_faults(target: Path) -> Iterator[None]:
    """Tell what the disk says as an InputError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_SAYS:
            raise
        raise InputError.single(
            place=str(target),
            cause=f"cannot be written: {error.strerror}; nothing was changed",
            remedy="free some space or mend the permissions, or choose another place with -o",
        ) from error


def _write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-new-", dir=folder.parent))
    try:
        new.chmod(0o755)
        write(new)
        _swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _swap(new: Path, folder: Path) -> None:
    """Put ``new`` in the place of ``folder``; the old folder is removed only once the new one stands."""
    if not folder.exists():
        new.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    old.rmdir()
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def write_text(path: Path, text: str) -> None:
    """Write one file, whole or not at all.

    Raises
    ------
    InputError
        When there is no such folder, or the disk is full or protected.
    """
    if not path.resolve().parent.is_dir():
        raise InputError.single(place=str(path.parent), cause="no such folder", remedy="make it, or choose another")
    new = path.with_name(f".{path.name}.new")
    with _disk_faults(path):
        try:
            new.write_text(text, encoding="utf-8")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
