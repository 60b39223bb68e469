"""Read the roads of an OpenStreetMap file as they stand there: ways, places, tags and relations, not interpreted.

Blocks are unpacked one at a time and decoded by the compiled core; what is held is one block and the roads. Other kinds
of map files are turned into a PBF file first, so that there is one decoder.

References
----------
.. [1] https://wiki.openstreetmap.org/wiki/PBF_Format
"""

import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.errors import InputError
from lastmile.geo.map_file import reading, unreadable

MISSING: Final = _core.MISSING_PLACE
_LONGEST_HEADER: Final = 64 << 10  # bytes: the format's own limit
_UNDERSTOOD: Final = frozenset({"OsmSchema-V0.6", "DenseNodes", "HistoricalInformation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRelation:
    """A relation with all its tags; ``members`` are role, type (``n``, ``w``, ``r``) and id."""

    id: int
    tags: Mapping[str, str]
    members: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRoads:
    """Ways of a file as flat arrays over all their node references, in the order of the file.

    Parameters
    ----------
    offset
        int64, shape (ways + 1,): way ``i`` has references ``offset[i]:offset[i + 1]``.
    node
        int64, shape (references,): OSM node ids.
    x, y
        int32, shape (references,): longitude and latitude in 1e-7 degrees, ``MISSING`` where the node is not in the
        file or its place is not on Earth.
    way
        int64, shape (ways,): OSM way ids, each once.
    tags
        int32, shape (ways,): index into ``combinations``, the distinct combinations of the tags asked for.
    name
        int32, shape (ways,): index into ``names``, whose first is empty: no name.
    tagged_node
        int64, shape (k,), ascending: ids of nodes that a way refers to and that have a tag asked for.
    tagged
        int32, shape (k,): index into ``node_combinations``.
    generator
        The program that wrote the file, by its own account.
    repeated_ways
        How many ways were left out because another with the same id (in a file with history: and version) stands
        before them.
    """

    offset: NDArray[np.int64]
    node: NDArray[np.int64]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    way: NDArray[np.int64]
    tags: NDArray[np.int32]
    combinations: tuple[Mapping[str, str], ...]
    name: NDArray[np.int32]
    names: tuple[str, ...]
    tagged_node: NDArray[np.int64]
    tagged: NDArray[np.int32]
    node_combinations: tuple[Mapping[str, str], ...]
    relations: tuple[RawRelation, ...]
    generator: str
    repeated_ways: int

    def __post_init__(self) -> None:
        for array in (self.offset, self.node, self.x, self.y, self.way, self.tags, self.name, self.tagged_node,
                      self.tagged):  # fmt: skip
            array.setflags(write=False)


@contextmanager
def _broken_at(path: Path, byte: int) -> Iterator[None]:
    """Turn what the decoders raise into InputError."""
    try:
        yield
    except (ValueError, zlib.error) as error:
        raise unreadable(path, f"the block at byte {byte}: {error}") from error


class _Blocks:
    """The blocks of an open PBF file: where they are, and each unpacked when it is asked for."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._places: list[tuple[int, int]] = []  # first byte and size of the packed block
        self._held: dict[bool, tuple[int, bytes]] = {}
        self._size = file.seek(0, 2)
        header = self._next_header(0)
        if header is None or header[0] != b"OSMHeader":
            raise unreadable(path, "it does not begin with the header of an OpenStreetMap PBF file")
        self.history, self.generator = self._file_header(*header[1:])
        while (header := self._next_header(sum(header[1:]))) is not None:
            kind, first, size = header
            if kind == b"OSMHeader":
                raise unreadable(path, f"the block at byte {first}: it is a second file header")
            # The format wants blocks of other kinds to be passed over.
            if kind == b"OSMData":
                self._places.append((first, size))

    def __len__(self) -> int:
        return len(self._places)

    def _next_header(self, at: int) -> tuple[bytes, int, int] | None:
        """Kind, first byte and size of the block whose header is at a byte; None at the end of the file."""
        if at == self._size:
            return None
        with _broken_at(self._path, at):
            self._file.seek(at)
            length = int.from_bytes(self._read(4), "big")
            if length > _LONGEST_HEADER:
                raise ValueError(f"its header is said to have {length} bytes, more than the {_LONGEST_HEADER} allowed")
            kind, size = _core.blob_header(self._read(length))
            first = at + 4 + length
            if first + size > self._size:
                raise ValueError(f"it should end at byte {first + size}, but the file has only {self._size}")
        return kind, first, size

    def _read(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) < size:
            raise ValueError("the file is cut off")
        return content

    def _file_header(self, first: int, size: int) -> tuple[bool, str]:
        """Whether the file holds history, and who wrote it."""
        with _broken_at(self._path, first):
            required, generator = _core.file_header(self._unpacked(first, size))
        unknown = [feature for feature in required if feature not in _UNDERSTOOD]
        if unknown:
            raise InputError.single(
                place=str(self._path),
                cause=f"the map file can be read only by programs that know of {', '.join(unknown)}",
                remedy="write it anew without: osmium cat FILE -o new.osm.pbf",
            )
        return "HistoricalInformation" in required, generator

    def _unpacked(self, first: int, size: int) -> bytes:
        self._file.seek(first)
        packed = self._read(size)
        compression, begin, length, raw_size = _core.blob(packed)
        if compression == "none":
            return packed[begin : begin + length]
        if compression != "zlib":
            raise InputError.single(
                place=str(self._path),
                cause=f"the block at byte {first} is compressed with {compression}; only zlib can be read",
                remedy="compress it anew: osmium cat FILE -o new.osm.pbf",
            )
        # One byte more than there should be: what is longer is seen, and never unpacked.
        stream = zlib.decompressobj()
        content = stream.decompress(memoryview(packed)[begin : begin + length], raw_size + 1)
        if not stream.eof or len(content) != raw_size:
            raise ValueError(f"it does not unpack to the {raw_size} bytes that it should have")
        return content

    def apply(self, use: Callable[[bytes], bool], index: int) -> bool:
        """Hand a block's content to a function that raises ValueError on what is none."""
        first, size = self._places[index]
        with _broken_at(self._path, first):
            for kind, (held, content) in self._held.items():
                if held == index:
                    del self._held[kind]
                    return use(content)
            return use(self._unpacked(first, size))

    def hold_ways(self, index: int) -> bool:
        """Whether there are ways or relations in a block.

        The last block seen of either kind is held: a search by halving ends between the two, and both are asked for
        again.
        """

        def look(content: bytes) -> bool:
            found = _core.holds_ways(content)
            self._held[found] = index, content
            return found

        return self.apply(look, index)


def read_pbf(
    path: Path,
    *,
    way_filter: Mapping[str, frozenset[str] | None],
    way_keys: frozenset[str],
    way_suffixes: tuple[str, ...],
    node_keys: frozenset[str],
    relation_filter: tuple[str, str],
) -> RawRoads:
    """Read ways and what belongs to them from a PBF file.

    Objects may stand in any order. Deleted ones are left out. Where an id occurs again the first object counts; in a
    file with history it is the one of the highest version, and none where that is deleted.

    Parameters
    ----------
    way_filter
        A way is kept that has any of these keys with one of the values; None: with any value.
    way_keys, way_suffixes
        Tags of ways to report: their keys, and how their keys end.
    node_keys
        Tags of nodes to report.
    relation_filter
        Key and value of the tag that a relation must have to be kept.

    Raises
    ------
    InputError
        When the file cannot be opened, is cut or altered, is packed in a way other than zlib, or needs a feature that
        is not known.
    """
    try:
        with path.open("rb") as file:
            return _read(
                _Blocks(path, file),
                lambda history: _core.WayReader(
                    [(key, None if values is None else sorted(values)) for key, values in way_filter.items()],
                    sorted(way_keys),
                    list(way_suffixes),
                    relation_filter,
                    history,
                ),
                sorted(node_keys),
            )
    except OSError as error:
        raise unreadable(path, error) from error


def _read(blocks: _Blocks, way_reader: Callable[[bool], _core.WayReader], node_keys: list[str]) -> RawRoads:
    # Nearly all files have their nodes first; then ways begin at a block that halving finds, and no block need be
    # unpacked twice. Where a way turns up before that block, the file is of another kind and all of it is searched.
    first = bisect_left(range(len(blocks)), True, key=blocks.hold_ways)
    while True:
        way_pass = way_reader(blocks.history)
        mixed = [index for index in range(first, len(blocks)) if blocks.apply(way_pass.read, index)]
        ways = way_pass.finish()
        node_pass = _core.NodeReader(ways["node"], node_keys, blocks.history)
        if not any(blocks.apply(node_pass.read, index) for index in range(first)):
            break
        first = 0
    for index in mixed:
        blocks.apply(node_pass.read, index)
    x, y = node_pass.places(ways["node"])
    on_way_x, on_way_y = ways.pop("x"), ways.pop("y")
    if len(on_way_x):
        # A file may have the places on the ways ("LocationsOnWays"), with or without the nodes.
        x, y = np.where(x == MISSING, on_way_x, x), np.where(x == MISSING, on_way_y, y)
    tagged_node, tagged, node_combinations = node_pass.tagged()
    relations = ways.pop("relations")
    return RawRoads(
        **ways,
        x=x,
        y=y,
        tagged_node=tagged_node,
        tagged=tagged,
        node_combinations=node_combinations,
        relations=tuple(RawRelation(id=number, tags=tags, members=members) for number, tags, members in relations),
        generator=blocks.generator,
    )


@contextmanager
def as_pbf(path: Path) -> Iterator[Path]:
    """Give the path of a PBF file with the same map: the file itself, or a copy that is gone afterwards.

    Parameters
    ----------
    path
        A file of any kind that pyosmium reads.

    Raises
    ------
    InputError
        When the file cannot be read to its end.
    """
    if path.name.lower().endswith(".pbf"):
        yield path
        return
    # Here and not above, as pyosmium below: importing them takes as long as reading a city.
    import tempfile

    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise InputError.single(
            place=str(path),
            cause=f"it must be unpacked, and no temporary folder can be made: {error.strerror}",
            remedy="set TMPDIR to a folder that may be written to, or give the map as .osm.pbf",
        ) from error
    with folder as name:
        copy = Path(name) / "map.osm.pbf"
        _convert(path, copy)
        yield copy


def _convert(path: Path, copy: Path) -> None:
    with reading(path):
        # Here and not above: importing pyosmium costs more time than reading a city.
        import osmium

        with closing(osmium.io.Reader(str(path))) as reader:
            header = reader.header()
            # Versions decide between objects with one id only where the file says that it holds several of them.
            metadata = "version" if header.has_multiple_object_versions else "false"
            target = osmium.io.File(str(copy), f"pbf,pbf_compression=none,add_metadata={metadata}")
            target.has_multiple_object_versions = True  # or deleted objects are written as if they were not
            with closing(osmium.io.Writer(target, header)) as writer:
                # An update with no changes copies without a call into Python per object.
                osmium.MergeInputReader().apply_to_reader(reader, writer, with_history=True)
