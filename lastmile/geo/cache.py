"""The prepared network of a map, kept in a file beside it: read once, mapped into memory afterwards.

The file names the map's content, the options, and the version and code it was made with. Where any of them differs, or
where the file is damaged, it is made again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.errors import InputError
from lastmile.geo.map_file import check_path
from lastmile.geo.network import FORMAT, RoadNetwork
from lastmile.geo.ordering import make_hierarchy
from lastmile.geo.osm import ReadOptions
from lastmile.geo.storage import load, save

SUFFIX: Final = ".roads"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedNetwork:
    """A map's network with the node order of its hierarchy, and a line on where they came from."""

    network: RoadNetwork
    order: NDArray[np.int32]
    origin: str


def cache_path(osm: Path) -> Path:
    """Where the prepared network of a map is kept."""
    return osm.with_name(osm.name + SUFFIX)


def prepare_network(
    osm: Path,
    options: ReadOptions = ReadOptions(),  # noqa: B008
    *,
    keep: bool = True,
    threads: int = 1,
) -> PreparedNetwork:
    """Take a map's network from the file beside it, or read the map and save that file.

    Parameters
    ----------
    keep
        Use and write the file; without it the map is always read.
    threads
        For the node order.

    Raises
    ------
    InputError
        When the map is missing, cut, or has no usable road. A folder that cannot be written to is no fault.
    """
    check_path(osm)
    path, notes = cache_path(osm), _fingerprint(osm, options)
    reason = "not kept"
    if keep:
        reason = "there was none"
        if path.exists():
            try:
                stored = load(path)
                if stored.notes == notes and stored.order is not None:
                    return PreparedNetwork(network=stored.network, order=stored.order, origin=f"taken from {path.name}")
                changed = [name for name, value in notes.items() if stored.notes.get(name) != value]
                reason = f"it was made with another {' and '.join(changed)}"
            except InputError as error:
                reason = f"it was damaged ({error.faults[0].cause})"
    network = RoadNetwork.from_osm(osm, options)
    order = make_hierarchy(network, threads=threads).order
    if not keep:
        return PreparedNetwork(network=network, order=order, origin=f"read from {osm.name}")
    try:
        save(path, network, order=order, notes=notes)
        origin = f"read from {osm.name} and saved as {path.name}: {reason}"
    except OSError as error:
        origin = f"read from {osm.name}; {path.name} could not be written ({error.strerror})"
    return PreparedNetwork(network=network, order=order, origin=origin)


def _fingerprint(osm: Path, options: ReadOptions) -> dict[str, str]:
    with osm.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {
        "map": digest,
        "options": json.dumps(asdict(options), sort_keys=True),
        "version": f"{version('lastmile')} {FORMAT} {_code()}",
    }


@cache
def _code() -> str:
    """A digest of the code that reads maps and orders nodes: between two versions it changes too."""
    digest = hashlib.blake2b(digest_size=8)
    for path in (*sorted(Path(__file__).parent.glob("*.py")), Path(_core.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
