"""Networks in files: arrays one after the other, so that they are mapped into memory and not read.

A file is a line with the format's name, the length of its head (8 bytes), the head (JSON: every array's name, type,
shape and place; everything that is no array; the digest of what follows), and the arrays, each at a multiple of 64
bytes. The digest is checked before anything is used.
"""

import hashlib
import json
import mmap
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lastmile.errors import InputError
from lastmile.geo.conditions import Condition, RoadCondition, TurnCondition
from lastmile.geo.network import FORMAT, RoadNetwork

_MAGIC: Final = FORMAT.encode() + b"\n"
_ALIGN: Final = 64
_LONGEST_HEAD: Final = 1 << 31
_TYPES: Final = frozenset({"|u1", "|b1", "<i4", "<i8", "<f4", "<f8"})
# What parsing and the checks raise on a damaged file.
_DAMAGED: Final = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A network with the node order of its hierarchy, where that was saved, and the notes saved with it."""

    network: RoadNetwork
    order: NDArray[np.int32] | None
    notes: dict[str, str]


def save(
    path: Path, network: RoadNetwork, *, order: NDArray[np.int32] | None = None, notes: dict[str, str] | None = None
) -> None:
    """Write a network, whole or not at all.

    Parameters
    ----------
    order
        int32, shape (nodes,): see :attr:`lastmile.geo.paths.Roads.order`.
    notes
        Anything to be known when the file is read again.
    """
    arrays = {item.name: getattr(network, item.name) for item in fields(network)}
    arrays = {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}
    if order is not None:
        arrays["order"] = order
    blocks = [np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")) for array in arrays.values()]
    digest = hashlib.blake2b(digest_size=16)
    index, at = [], 0
    for name, block in zip(arrays, blocks, strict=True):
        index.append({"name": name, "type": block.dtype.str, "shape": block.shape, "at": at})
        for part in (block.data, b"\0" * (-block.nbytes % _ALIGN)):
            digest.update(part)
        at += block.nbytes + (-block.nbytes % _ALIGN)
    head = json.dumps(
        {
            "arrays": index,
            "digest": digest.hexdigest(),
            "names": network.names,
            "conditions": [_written(condition) for condition in network.conditions],
            "cut_off": dict(network.cut_off),
            "dropped": dict(network.dropped),
            "synthetic": network.synthetic,
            "source": network.source,
            "notes": notes or {},
        }
    ).encode()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as handle:
            handle.write(_MAGIC + len(head).to_bytes(8, "little") + head)
            handle.write(b"\0" * (-handle.tell() % _ALIGN))
            for block in blocks:
                handle.write(block.data)
                handle.write(b"\0" * (-block.nbytes % _ALIGN))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: Path) -> Stored:
    """Map a file written by :func:`save` into memory.

    Raises
    ------
    InputError
        When the file is missing, damaged or of another version.
    """
    try:
        with path.open("rb") as handle:
            if handle.read(len(_MAGIC)) != _MAGIC:
                raise ValueError(f"it does not begin with {FORMAT}")
            length = int.from_bytes(handle.read(8), "little")
            if length > min(_LONGEST_HEAD, path.stat().st_size):
                raise ValueError("it is cut")
            head = json.loads(handle.read(length))
            begin = handle.tell() + (-handle.tell() % _ALIGN)
            whole = np.frombuffer(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
        data = whole[begin:]
        if hashlib.blake2b(data.data, digest_size=16).hexdigest() != head["digest"]:
            raise ValueError("its content does not fit its digest")
        arrays = {entry["name"]: _array(data, entry) for entry in head["arrays"]}
        order = arrays.pop("order", None)
        network = RoadNetwork(
            **arrays,
            names=tuple(head["names"]),
            conditions=tuple(_read(condition) for condition in head["conditions"]),
            cut_off=head["cut_off"],
            dropped=head["dropped"],
            synthetic=bool(head["synthetic"]),
            source=str(head["source"]),
        )
        _check(network, order)
        return Stored(network=network, order=order, notes=head["notes"])
    except _DAMAGED as error:
        raise InputError.single(
            place=str(path),
            cause=f"no readable network file: {error}",
            remedy="build it again with: lastmile network build MAP -o FILE",
        ) from error


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    if entry["type"] not in _TYPES:
        raise ValueError(f"array {entry['name']} is of type {entry['type']}")
    dtype, shape = np.dtype(entry["type"]), tuple(entry["shape"])
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    part = data[entry["at"] : entry["at"] + size]
    if min(shape, default=0) < 0 or entry["at"] < 0 or entry["at"] % _ALIGN or len(part) != size:
        raise ValueError(f"array {entry['name']} lies outside the file")
    viewed: NDArray[Any] = part.view(dtype).reshape(shape)
    return viewed


def _check(network: RoadNetwork, order: NDArray[np.int32] | None) -> None:
    """What everything else relies on: lengths agree, indices exist."""
    points = len(network.geometry_lon)
    sizes = {"node_": network.nodes, "segment_": network.segments, "edge_": network.edges, "geometry_": points}
    for item in fields(network):
        value = getattr(network, item.name)
        wanted = next((size for prefix, size in sizes.items() if item.name.startswith(prefix)), None)
        if isinstance(value, np.ndarray) and wanted is not None:
            wanted += item.name == "segment_geometry"
            if value.shape != (wanted,):
                raise ValueError(f"{item.name} has shape {value.shape}, not ({wanted},)")
    indices: list[tuple[str, NDArray[Any], int]] = [
        ("segment_geometry", network.segment_geometry, points + 1),
        ("first_out", network.first_out, network.edges + 1),
        ("edge_target", network.edge_target, network.nodes),
        ("edge_segment", network.edge_segment, network.segments),
        ("segment_name", network.segment_name, len(network.names)),
        ("segment_condition", network.segment_condition + 1, len(network.conditions) + 1),
        *([("order", order, network.nodes)] if order is not None else []),
    ]
    for name, index, limit in indices:
        if len(index) and not (index.min() >= 0 and index.max() < limit):
            raise ValueError(f"{name} has an index outside 0..{limit - 1}")
    for name, rows, count in (
        ("segment_geometry", network.segment_geometry, network.segments),
        ("first_out", network.first_out, network.nodes),
    ):
        if len(rows) != count + 1 or (np.diff(rows) < 0).any():
            raise ValueError(f"{name} is not ascending")


def _written(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, RoadCondition):
        return {"tags": dict(condition.tags)}
    assert isinstance(condition, TurnCondition)
    return {"bans": condition.bans}


def _read(written: dict[str, Any]) -> Condition:
    if "tags" in written:
        return RoadCondition(tags={str(key): str(value) for key, value in written["tags"].items()})
    return TurnCondition(bans=tuple((int(modes), str(text)) for modes, text in written["bans"]))
