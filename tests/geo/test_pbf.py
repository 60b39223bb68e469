"""The decoder of map files: the same as pyosmium's, on more kinds of files, and an error on everything else."""

import bz2
import gzip
import subprocess
import sys
import zlib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pbf_bytes import (
    DENSE,
    LARGEST,
    NODE,
    RELATION,
    WAY,
    blob,
    block,
    deltas,
    dense,
    field,
    file_of,
    framed,
    header,
    info,
    message,
    node,
    packed,
    relation,
    varint,
    way,
)

from lastmile import _core
from lastmile.errors import InputError
from lastmile.geo.pbf import MISSING, RawRoads, as_pbf, read_pbf

MAPS = Path(__file__).parent.parent / "data" / "osm"
WANTED = {
    "way_filter": {"highway": None, "route": frozenset({"ferry"})},
    "way_keys": frozenset({"highway", "route", "oneway", "maxspeed", "access"}),
    "way_suffixes": (":conditional",),
    "node_keys": frozenset({"barrier", "highway"}),
    "relation_filter": ("type", "restriction"),
}
TEXTS = ["", "highway", "residential", "name", "barrier", "gate", "type", "restriction", "from", "oneway", "yes"]
EMPTY, HIGHWAY, RESIDENTIAL, NAME, BARRIER, GATE, TYPE, RESTRICTION, FROM, ONEWAY, YES = range(11)
STREET = {"keys": [HIGHWAY], "values": [RESIDENTIAL]}


def read(path, **changes):
    return read_pbf(path, **WANTED | changes)


@pytest.fixture
def read_bytes(tmp_path):
    """Read a file with this content."""

    def read_content(content, **changes):
        path = tmp_path / "town.osm.pbf"
        path.write_bytes(content)
        return read(path, **changes)

    return read_content


@pytest.fixture
def fault_of(read_bytes):
    """What is wrong with a file of this content."""

    def fault(content):
        with pytest.raises(InputError) as caught:
            read_bytes(content)
        (found,) = caught.value.faults
        assert "town.osm.pbf" in found.place
        return found

    return fault


def plain(roads):
    """What was read, as one value per way, node and relation."""
    bounds = list(pairwise(roads.offset.tolist()))
    places = list(zip(roads.node.tolist(), roads.x.tolist(), roads.y.tolist(), strict=True))
    return {
        "ways": [
            (number, places[first:last], roads.combinations[tags], roads.names[name])
            for number, (first, last), tags, name in zip(
                roads.way.tolist(), bounds, roads.tags.tolist(), roads.name.tolist(), strict=True
            )
        ],
        "nodes": {
            number: roads.node_combinations[tags]
            for number, tags in zip(roads.tagged_node.tolist(), roads.tagged.tolist(), strict=True)
        },
        "relations": [(relation.id, relation.tags, relation.members) for relation in roads.relations],
    }


def consistent(roads):
    """Whether every index leads somewhere and every list is as long as it should be."""
    assert roads.offset[0] == 0
    assert roads.offset[-1] == len(roads.node) == len(roads.x) == len(roads.y)
    assert (np.diff(roads.offset) >= 0).all()
    assert len(roads.offset) - 1 == len(roads.way) == len(roads.tags) == len(roads.name)
    assert ((roads.x == MISSING) == (roads.y == MISSING)).all()
    assert len(set(roads.way.tolist())) == len(roads.way)
    assert (np.diff(roads.tagged_node) > 0).all()
    assert np.isin(roads.tagged_node, roads.node).all()
    assert len(roads.tagged_node) == len(roads.tagged)
    plain(roads)
    return True


def by_osmium(path):
    """The same from pyosmium's objects, places looked up in all nodes of the file."""
    places, ways, nodes, relations = {}, [], {}, []
    for item in osmium.FileProcessor(str(path)):
        tags = dict(item.tags)
        if item.is_node():
            known = item.location.valid()
            places[item.id] = (item.location.x, item.location.y) if known else (MISSING, MISSING)
            nodes[item.id] = {key: value for key, value in tags.items() if key in WANTED["node_keys"]}
        elif item.is_way():
            if "highway" in tags or tags.get("route") == "ferry":
                kept = {
                    key: value
                    for key, value in tags.items()
                    if key in WANTED["way_keys"] or key.endswith(":conditional")
                }
                ways.append((item.id, [ref.ref for ref in item.nodes], kept, tags.get("name", "")))
        elif tags.get("type") == "restriction":
            relations.append((item.id, tags, tuple((m.role, m.type, m.ref) for m in item.members)))
    used = {ref for _, refs, _, _ in ways for ref in refs}
    return {
        "ways": [
            (number, [(ref, *places.get(ref, (MISSING, MISSING))) for ref in refs], kept, name)
            for number, refs, kept, name in ways
        ],
        "nodes": {number: kept for number, kept in nodes.items() if kept and number in used},
        "relations": relations,
    }


# The same as pyosmium.

keys = st.sampled_from(["highway", "route", "oneway", "access:conditional", "barrier", "name", "type", "建筑"])
values = st.sampled_from(["ferry", "residential", "gate", "restriction", "", "no @ (Mo-Fr)", "中州路", "𠮷"])
tag_lists = st.dictionaries(keys, values, max_size=5)
node_ids = st.integers(-(2**40), 2**40) | st.integers(1, 30)
positions = st.tuples(st.integers(-1_800_000_000, 1_800_000_000), st.integers(-900_000_000, 900_000_000))
maps = st.fixed_dictionaries(
    {
        "nodes": st.dictionaries(node_ids, st.tuples(positions, tag_lists), max_size=30),
        "ways": st.dictionaries(st.integers(1, 2**40), st.tuples(st.lists(node_ids, max_size=9), tag_lists)),
        "relations": st.dictionaries(
            st.integers(1, 2**40),
            st.tuples(
                st.lists(st.tuples(st.sampled_from("nwr"), node_ids, st.sampled_from(["from", "via", "to", "经"]))),
                tag_lists,
            ),
            max_size=5,
        ),
    }
)
packings = st.sampled_from(["pbf", "pbf,pbf_compression=none", "pbf,pbf_dense_nodes=false", "pbf,add_metadata=false"])


def write(path, town, packing="pbf", order="nwr"):
    mutable = osmium.osm.mutable
    with osmium.SimpleWriter(osmium.io.File(str(path), packing)) as writer:
        for kind in order:
            if kind == "n":
                for number, ((x, y), tags) in town["nodes"].items():
                    writer.add_node(mutable.Node(id=number, location=(x / 1e7, y / 1e7), tags=tags))
            elif kind == "w":
                for number, (refs, tags) in town["ways"].items():
                    writer.add_way(mutable.Way(id=number, nodes=refs, tags=tags))
            else:
                for number, (members, tags) in town["relations"].items():
                    writer.add_relation(mutable.Relation(id=number, members=members, tags=tags))


@settings(max_examples=200)
@given(town=maps, packing=packings, order=st.permutations("nwr"))
def test_random_map_reads_as_pyosmium_reads_it(tmp_path_factory, town, packing, order):
    path = tmp_path_factory.mktemp("pbf") / "town.osm.pbf"
    write(path, town, packing, order)
    roads = read(path)
    assert consistent(roads)
    assert plain(roads) == by_osmium(path)
    assert roads.generator.startswith("libosmium")


@pytest.mark.parametrize("name", ["andorra", "helsinki-clipped", "porto-alegre"])
def test_real_pbf_reads_as_pyosmium_reads_it(data_folder, name):
    path = data_folder / "osm" / f"{name}.osm.pbf"
    roads = read(path)
    assert consistent(roads)
    assert plain(roads) == by_osmium(path)
    assert len(roads.way) > 2_000


@pytest.mark.parametrize("name", ["chengdu", "shanghai-oneway-edges", "shenzhen-longgang"])
def test_real_xml_reads_as_pyosmium_reads_it(data_folder, name):
    path = data_folder / "osm" / f"{name}.osm"
    with as_pbf(path) as copy:
        roads = read(copy)
    assert plain(roads) == by_osmium(path)
    assert len(roads.way) > 100


def test_arrays_have_the_promised_types_and_cannot_be_changed(read_bytes):
    roads = read_bytes(file_of(block(TEXTS, [(WAY, way(5, [1, 2], **STREET))])))
    types = {f.name: getattr(roads, f.name).dtype for f in fields(RawRoads) if hasattr(getattr(roads, f.name), "dtype")}
    wide, narrow = np.dtype(np.int64), np.dtype(np.int32)
    assert types == {
        "offset": wide, "node": wide, "way": wide, "tagged_node": wide,
        "x": narrow, "y": narrow, "tags": narrow, "name": narrow, "tagged": narrow,
    }  # fmt: skip
    with pytest.raises(ValueError, match="read-only"):
        roads.node[0] = 1


def test_nothing_heavy_is_imported():
    program = (
        "import sys, lastmile.geo.pbf\nprint({'osmium', 'shapely', 'scipy', 'pandas', 'pyproj'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# What pyosmium does not write.


def test_nodes_of_their_own_read_like_dense_ones(read_bytes):
    roads = read_bytes(
        file_of(
            block(
                TEXTS,
                [(NODE, node(1, 11, 21)), (NODE, node(2, 12, 22, keys=[BARRIER, NAME], values=[GATE, YES]))],
                [(DENSE, dense([3, 4], [13, 14], [23, 24], keys_values=[0, NAME, YES, BARRIER, YES, 0]))],
                [(WAY, way(5, [1, 2, 3, 4], **STREET))],
            )
        )
    )
    assert plain(roads)["ways"] == [
        (5, [(1, 11, 21), (2, 12, 22), (3, 13, 23), (4, 14, 24)], {"highway": "residential"}, "")
    ]
    assert plain(roads)["nodes"] == {2: {"barrier": "gate"}, 4: {"barrier": "yes"}}
    assert roads.generator == "by hand"


def test_scale_and_offset_of_a_block_are_applied(read_bytes):
    # Longitude 112 degrees + 5 times 1000 nanodegrees = 1,120,000,050 units of 100; latitude -7 times 1000 - 3000.
    scale = ((17, 1000), (19, -3000), (20, 112_000_000_000))
    roads = read_bytes(
        file_of(
            block(TEXTS, [(DENSE, dense([1], [5], [-7]))], scale=scale),
            block(TEXTS, [(NODE, node(2, 5, -7))], scale=scale),
            block(TEXTS, [(WAY, way(5, [1, 2], **STREET))]),
        )
    )
    assert roads.x.tolist() == [1_120_000_050] * 2
    assert roads.y.tolist() == [-100] * 2


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (1_800_000_001, 0),
        (-1_800_000_001, 0),
        (0, 900_000_001),
        (0, -900_000_001),
        (2**62, 0),
        (-(2**62), 0),
        (2**40, 2**40),
        (2**63 - 1, -(2**63)),
    ],
)
def test_place_that_is_not_on_earth_is_missing(read_bytes, x, y):
    town = block(TEXTS, [(DENSE, dense([1], [x], [y])), (NODE, node(2, x, y)), (NODE, node(3, 1, 2))])
    roads = read_bytes(file_of(town, block(TEXTS, [(WAY, way(5, [1, 2, 3], **STREET))])))
    assert roads.x.tolist() == [MISSING, MISSING, 1]
    assert roads.y.tolist() == [MISSING, MISSING, 2]


def test_edges_of_the_world_are_places(read_bytes):
    town = block(TEXTS, [(DENSE, dense([1, 2], [1_800_000_000, -1_800_000_000], [900_000_000, -900_000_000]))])
    roads = read_bytes(file_of(town, block(TEXTS, [(WAY, way(5, [1, 2], **STREET))])))
    assert roads.x.tolist() == [1_800_000_000, -1_800_000_000]
    assert roads.y.tolist() == [900_000_000, -900_000_000]


def nodes_of(*numbers, about=b""):
    return block(TEXTS, [(DENSE, dense(numbers, [10 * n for n in numbers], [-n for n in numbers], about=about))])


def ways_of(*ways):
    return block(TEXTS, [(WAY, way(number, refs, **STREET)) for number, refs in ways])


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(
    "blocks",
    [
        (nodes_of(1, 2), nodes_of(7, 9), ways_of((5, [1, 9])), ways_of((6, [2, 7]))),
        (ways_of((5, [1, 9])), ways_of((6, [2, 7])), nodes_of(1, 2), nodes_of(7, 9)),
        (nodes_of(7, 1), ways_of((5, [1, 9])), nodes_of(9, 2), ways_of((6, [2, 7]))),
        (ways_of((5, [1, 9])), nodes_of(9, 2, 1), nodes_of(7), ways_of((6, [2, 7]))),
        (ways_of((5, [1, 9])), nodes_of(9, 2), ways_of((6, [2, 7])), nodes_of(7, 1), nodes_of(3), nodes_of(4)),
        (message((1, b"")), nodes_of(1, 2, 7, 9), b"", block(TEXTS, []), ways_of((5, [1, 9]), (6, [2, 7]))),
    ],
    ids=["sorted", "ways first", "mixed", "ways around nodes", "many nodes last", "empty blocks"],
)
def test_order_of_blocks_does_not_matter(read_bytes, blocks, compress):
    roads = read_bytes(file_of(*blocks, compress=compress))
    street = {"highway": "residential"}
    assert plain(roads)["ways"] == [
        (5, [(1, 10, -1), (9, 90, -9)], street, ""),
        (6, [(2, 20, -2), (7, 70, -7)], street, ""),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_nodes_in_any_order_are_found(read_bytes, seed):
    random = np.random.default_rng(seed)
    numbers = random.choice(2000, 300, replace=False).tolist()
    asked = random.choice(2000, 200).tolist()
    pieces = [nodes_of(*numbers[at : at + 60]) for at in range(0, 300, 60)]
    roads = read_bytes(file_of(*pieces, ways_of((1, asked))))
    there = set(numbers)
    assert roads.x.tolist() == [10 * n if n in there else MISSING for n in asked]


def test_blocks_and_fields_of_unknown_kind_are_passed_over(read_bytes):
    fixed = varint(200 << 3 | 1) + bytes(8) + varint(201 << 3 | 5) + bytes(4)
    unknown = fixed + field(202, b"x") + field(203, 1)
    street = block(TEXTS, [(WAY, way(5, [1], **STREET) + unknown), (5, b"changeset")]) + unknown
    places = message(
        (1, message((1, b""), (7, b"")) + unknown),
        (2, field(2, dense([1], [10], [-1]) + unknown) + unknown),
    )
    whole = file_of() + blob(b"???", kind=b"Index") + blob(places) + framed(field(1, street) + unknown)
    assert plain(read_bytes(whole))["ways"] == [(5, [(1, 10, -1)], {"highway": "residential"}, "")]


def test_places_on_ways_stand_in_for_nodes(tmp_path):
    # Of node 2 only the place on the way is left.
    path = tmp_path / "located.osm.pbf"
    located = message(
        (1, 5), (2, packed([HIGHWAY])), (3, packed([RESIDENTIAL])), (8, deltas([1, 2])), (9, deltas([-8, -2])),
        (10, deltas([80, 20])),
    )  # fmt: skip
    path.write_bytes(
        file_of(
            nodes_of(1, 3), block(TEXTS, [(WAY, way(4, [3, 2], **STREET)), (WAY, located)]), ways_of((6, [1, 2, 3]))
        )
    )
    roads = read(path)
    assert roads.x.tolist() == [30, MISSING, 10, 20, 10, MISSING, 30]
    assert roads.y.tolist() == [-3, MISSING, -1, -2, -1, MISSING, -3]


def test_places_that_osmium_writes_on_ways_are_read(tmp_path):
    source, path = tmp_path / "town.osm", tmp_path / "located.osm.pbf"
    source.write_text(
        '<osm version="0.6"><node id="1" lon="113" lat="34"/><node id="2" lon="113.5" lat="-34.5"/>'
        '<way id="5"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="service"/></way></osm>'
    )
    with osmium.SimpleWriter(osmium.io.File(str(path), "pbf,locations_on_ways=true")) as writer:
        for item in osmium.FileProcessor(str(source)).with_locations():
            if item.is_way():
                writer.add(item)
    roads = read(path)
    assert roads.x.tolist() == [1_130_000_000, 1_135_000_000, MISSING]
    assert roads.y.tolist() == [340_000_000, -345_000_000, MISSING]


# Repeats, deletions, history.


def test_first_of_ways_with_one_id_is_kept_and_the_others_counted(read_bytes):
    roads = read_bytes(file_of(nodes_of(1, 2, 3), ways_of((5, [1, 2]), (4, [3]), (5, [2, 3]), (6, []), (5, [1]))))
    assert [(number, [ref for ref, _, _ in refs]) for number, refs, _, _ in plain(roads)["ways"]] == [
        (5, [1, 2]),
        (4, [3]),
        (6, []),
    ]
    assert roads.repeated_ways == 2
    assert roads.x.tolist() == [10, 20, 30]


def test_first_of_nodes_with_one_id_counts(read_bytes):
    twice = block(TEXTS, [(DENSE, dense([1, 1], [10, 99], [20, 99], keys_values=[0, BARRIER, GATE, 0]))])
    roads = read_bytes(file_of(twice, ways_of((5, [1]))))
    assert (roads.x.tolist(), roads.y.tolist(), roads.tagged_node.tolist()) == ([10], [20], [])


def test_of_a_key_that_stands_twice_the_last_value_counts(read_bytes):
    twice = way(5, [1], keys=[HIGHWAY, ONEWAY, HIGHWAY, NAME, NAME], values=[GATE, YES, RESIDENTIAL, GATE, YES])
    (found,) = plain(read_bytes(file_of(block(TEXTS, [(WAY, twice)]))))["ways"]
    assert found[2:] == ({"highway": "residential", "oneway": "yes"}, "yes")


HISTORY = ("OsmSchema-V0.6", "HistoricalInformation")


@pytest.mark.parametrize("required", [(), HISTORY])
def test_deleted_objects_are_left_out(read_bytes, required):
    gone = {"about": info(visible=False)}
    restriction = {"keys": [TYPE], "values": [RESTRICTION]}
    content = file_of(
        block(TEXTS, [(DENSE, dense([1, 2], [10, 20], [-1, -2], about=field(6, packed([0, 1]))))]),
        block(TEXTS, [(NODE, node(3, 30, -3, **gone)), (NODE, node(4, 40, -4, about=info(visible=True)))]),
        block(TEXTS, [(WAY, way(5, [1, 2, 3, 4], **STREET)), (WAY, way(6, [1], **STREET, **gone))]),
        block(TEXTS, [(RELATION, relation(7, [], **restriction, **gone)), (RELATION, relation(8, [], **restriction))]),
        required=required,
    )
    roads = read_bytes(content)
    assert roads.way.tolist() == [5]
    assert roads.x.tolist() == [MISSING, 20, MISSING, 40]
    assert [found.id for found in roads.relations] == [8]


def test_latest_version_counts_in_a_file_with_history(read_bytes):
    about = message((1, packed([1, 2, 1, 2, 2, 1])), (6, packed([1, 1, 1, 0, 1, 1])))
    barrier = [BARRIER, GATE, 0]
    nodes = dense([1, 1, 2, 2, 3, 3], [10, 11, 20, 21, 31, 30], [0] * 6, about=about,
                  keys_values=[*barrier, 0, *barrier, *barrier, *barrier, 0])  # fmt: skip
    kept = [
        way(4, [1], **STREET, about=info(1)),
        way(4, [1, 2, 3], **STREET, about=info(2)),
        way(4, [1, 2, 3, 1], **STREET, about=info(2)),
    ]
    deleted = [way(5, [1], **STREET, about=info(1)), way(5, [], about=info(2, visible=False))]
    no_road = [way(6, [], keys=[BARRIER], values=[GATE], about=info(3)), way(6, [1], **STREET, about=info(2))]
    back = [way(7, [1], about=info(2, visible=False)), way(7, [3], **STREET, about=info(3))]
    rules = [
        relation(8, [(FROM, 4, 1)], keys=[TYPE], values=[RESTRICTION], about=info(1)),
        relation(8, [(FROM, 5, 1)], keys=[TYPE], values=[RESTRICTION], about=info(2)),
        relation(9, [(FROM, 5, 1)], keys=[TYPE], values=[RESTRICTION], about=info(1)),
        relation(9, [], keys=[TYPE], values=[GATE], about=info(2)),
    ]
    roads = read_bytes(
        file_of(
            block(TEXTS, [(DENSE, nodes)]),
            block(TEXTS, [(WAY, found) for found in [*kept, *deleted, *no_road, *back]]),
            block(TEXTS, [(RELATION, rule) for rule in rules]),
            required=HISTORY,
        )
    )
    # Node 1 is at 11 since version 2 and lost its barrier; node 2 is deleted; node 3's version 2 comes before 1.
    assert [(number, [(ref, x) for ref, x, _ in refs]) for number, refs, _, _ in plain(roads)["ways"]] == [
        (4, [(1, 11), (2, MISSING), (3, 31)]),
        (7, [(3, 31)]),
    ]
    assert plain(roads)["nodes"] == {3: {"barrier": "gate"}}
    assert plain(roads)["relations"] == [(8, {"type": "restriction"}, (("from", "w", 5),))]
    assert roads.repeated_ways == 1  # of way 4 version 2 stands there twice


def test_versions_mean_nothing_in_a_file_without_history(read_bytes):
    ways = [way(4, [1], **STREET, about=info(1)), way(4, [2], **STREET, about=info(2))]
    roads = read_bytes(file_of(block(TEXTS, [(WAY, found) for found in ways])))
    assert (roads.node.tolist(), roads.repeated_ways) == ([1], 1)


# Hostile files.


def test_cut_file_is_refused_at_every_byte_but_those_between_blocks(fault_of, read_bytes):
    pieces = [blob(header(), kind=b"OSMHeader"), blob(nodes_of(1, 2)), blob(ways_of((5, [1, 2])), compress=False)]
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    whole = b"".join(pieces)
    for size in range(len(whole)):
        if size in ends:
            # The format has no mark for the end of a file.
            assert consistent(read_bytes(whole[:size]))
        else:
            assert "cannot be read to its end" in fault_of(whole[:size]).cause


def test_cause_names_the_byte_of_the_block(fault_of):
    start, wrong = file_of(nodes_of(1, 2)), field(1, block(TEXTS, [(WAY, way(5, [1], keys=[99], values=[1]))]))
    byte = len(start) + len(framed(wrong)) - len(wrong)
    assert f"block at byte {byte}: an object has a text that the block lacks" in fault_of(start + framed(wrong)).cause


@pytest.mark.parametrize("content", [b"", b"<osm version='0.6'/>", b"\x00\x00\x00\x00", b"PK\x03\x04", bytes(100)])
def test_rubbish_is_refused(fault_of, content):
    assert "checksum" in fault_of(content).remedy


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.osm.pbf", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)


@pytest.mark.parametrize(("number", "name"), [(4, "lzma"), (5, "bzip2"), (6, "lz4"), (7, "zstd")])
def test_other_compression_is_named_with_its_remedy(fault_of, number, name):
    found = fault_of(file_of() + framed(message((2, 10), (number, b"0123456789"))))
    assert f"compressed with {name}" in found.cause
    assert "osmium cat" in found.remedy


def test_unknown_required_feature_is_named(fault_of):
    found = fault_of(file_of(required=("OsmSchema-V0.6", "Curves")))
    assert "Curves" in found.cause
    assert "OsmSchema" not in found.cause


RULE = {"keys": [TYPE], "values": [RESTRICTION]}
BROKEN_BLOCKS = {
    "a number is cut off": [
        b"\x80",
        block(TEXTS, [(WAY, message((1, 5), (2, packed([HIGHWAY])), (3, packed([YES])), (8, b"\x80")))]),
        block(TEXTS, [(DENSE, field(1, b"\x80"))]),
        block(TEXTS, [(DENSE, dense([1, 2], [1], [1, 2]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[BARRIER, GATE]))]),
        block(TEXTS, [(DENSE, dense([1, 2], [1, 2], [1, 2], about=field(6, packed([1]))))]),
    ],
    "a number is too long": [b"\x80" * 10 + b"\x01"],
    "a field is longer than what holds it": [
        varint(1 << 3 | 2) + varint(2**64 - 1),
        varint(2 << 3 | 2) + varint(5) + b"1234",
        varint(9 << 3 | 1) + b"1234",
        varint(9 << 3 | 5) + b"123",
    ],
    "is of no known kind": [
        *(varint(1 << 3 | kind) for kind in (3, 4, 6, 7)),
        block(TEXTS, [(RELATION, relation(5, [(FROM, 1, 3)], **RULE))]),
        block(TEXTS, [(RELATION, relation(5, [(FROM, 1, -1)], **RULE))]),
    ],
    "a field has the number": [varint(0), varint(1 << 40)],
    "is of the wrong kind": [
        field(1, 7),
        field(17, b"100"),
        block(TEXTS, [(WAY, 7)]),
        block(TEXTS, [(WAY, field(1, b"5"))]),
        block(TEXTS, [(DENSE, field(1, 7))]),
    ],
    "occurs twice": [
        block(TEXTS, [(WAY, way(5, [1], **STREET) + field(8, deltas([2])))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1]) + field(1, b""))]),
    ],
    "the granularity is": [field(17, 0), field(17, -100), field(17, 2**31)],
    "a text that the block lacks": [
        block(TEXTS, [(WAY, way(5, [1], keys=[11], values=[YES]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY], values=[2**64 - 1]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY, NAME], values=[YES, 11]))]),
        block([], [(WAY, way(5, [1], keys=[0], values=[0]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[BARRIER, 11, 0])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[11, GATE, 0])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(NODE, node(1, 1, 1, keys=[BARRIER], values=[11])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(RELATION, relation(5, [(11, 1, 1)], **RULE))]),
        block(TEXTS, [(RELATION, relation(5, [], keys=[TYPE], values=[11]))]),
    ],
    "more keys than values, or fewer": [
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY, ONEWAY], values=[YES]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY], values=[YES, YES]))]),
        block(TEXTS, [(RELATION, relation(5, [], keys=[TYPE], values=[]))]),
    ],
    "not as many ids as places": [
        block(TEXTS, [(DENSE, dense([1], [1, 2], [1]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1, 2]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[0, 0]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], about=field(6, packed([1, 1]))))]),
    ],
    "not as many places as nodes": [
        block(TEXTS, [(WAY, way(5, [1, 2], **STREET) + message((9, deltas([1])), (10, deltas([1]))))]),
        block(TEXTS, [(WAY, way(5, [1], **STREET) + message((9, deltas([1, 2])), (10, deltas([1, 2]))))]),
        block(TEXTS, [(WAY, way(5, [1], **STREET) + field(9, deltas([1])))]),
    ],
    "not as many roles as members": [
        block(TEXTS, [(RELATION, message((1, 5), (2, packed([TYPE])), (3, packed([RESTRICTION])), (8, packed([0]))))]),
    ],
    "lacks its id": [
        block(TEXTS, [(WAY, b"")]),
        block(TEXTS, [(RELATION, b"")]),
        block(TEXTS, [(NODE, message((1, 1), (8, 1))), (WAY, way(5, [1], **STREET))]),
    ],
}


@pytest.mark.parametrize(
    ("cause", "content"), [(cause, content) for cause, contents in BROKEN_BLOCKS.items() for content in contents]
)
def test_broken_block_is_refused_with_its_cause(fault_of, cause, content):
    # The same wherever the block stands, packed or not.
    for compress in (True, False):
        assert cause in fault_of(file_of(content, compress=compress)).cause
        assert cause in fault_of(file_of(nodes_of(9), content, ways_of((6, [9])), compress=compress)).cause


@pytest.mark.parametrize(
    ("inner", "cause"),
    [
        (b"", "it holds no data"),
        (field(2, 10), "it holds no data"),
        (field(3, zlib.compress(b"")), "the size of its data is missing"),
        (message((1, b""), (1, b"")), "it holds data twice"),
        (message((2, LARGEST + 1), (3, b"")), "more than the 33554432 of the format"),
        (message((2, -1), (3, b"")), "more than the 33554432 of the format"),
        (message((2, 5), (3, zlib.compress(bytes(6)))), "does not unpack to the 5 bytes"),
        (message((2, 7), (3, zlib.compress(bytes(6)))), "does not unpack to the 7 bytes"),
        (message((2, 6), (3, zlib.compress(bytes(6))[:-1])), "does not unpack to the 6 bytes"),
        (message((2, 6), (3, b"no zlib stream")), "incorrect header check"),
    ],
)
def test_broken_blob_is_refused_with_its_cause(fault_of, inner, cause):
    assert cause in fault_of(file_of() + framed(inner)).cause


@pytest.mark.parametrize(
    ("head", "cause"),
    [
        (b"", "it has no type or no size"),
        (field(1, b"OSMData"), "it has no type or no size"),
        (message((1, b"OSMData"), (3, LARGEST + 1)), "more than the 33554432 of the format"),
        (message((1, b"OSMData"), (3, -1)), "more than the 33554432 of the format"),
        (message((1, b"OSMData"), (3, 1)), "but the file has only"),
        (message((1, b"OSMHeader"), (3, 0)), "a second file header"),
        (bytes((64 << 10) + 1), "more than the 65536 allowed"),
    ],
)
def test_broken_blob_header_is_refused_with_its_cause(fault_of, head, cause):
    assert cause in fault_of(file_of() + len(head).to_bytes(4, "big") + head).cause


def test_decompression_bomb_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "bomb.osm.pbf"
    # 400 MB of zeros in 400 kB, said to be 100 bytes.
    stream = zlib.compressobj(9)
    packed_zeros = b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(400)), stream.flush()])
    path.write_bytes(file_of() + framed(message((2, 100), (3, packed_zeros))))
    program = (
        "import resource, sys, pathlib\n"
        "from lastmile.errors import InputError\n"
        "from lastmile.geo.pbf import read_pbf\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    read_pbf(pathlib.Path(sys.argv[1]), way_filter={}, way_keys=frozenset(), way_suffixes=(),\n"
        "             node_keys=frozenset(), relation_filter=('a', 'b'))\n"
        "except InputError as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    *said, kilobytes = done.stdout.splitlines()
    assert "does not unpack to the 100 bytes" in " ".join(said)
    assert int(kilobytes) < 20_000


text_bytes = st.binary(max_size=6) | st.text(max_size=4).map(str.encode)
# The borders of what UTF-8 allows: overlong forms, surrogates, the last code point.
text_bytes |= st.lists(st.sampled_from([b"\xc1", b"\xc2", b"\xe0", b"\xed", b"\xef", b"\xf0", b"\xf4", b"\xf5",
                                        b"\x7f", b"\x80", b"\x8f", b"\x90", b"\x9f", b"\xa0", b"\xbf"]),
                       max_size=5).map(b"".join)  # fmt: skip


@settings(max_examples=500)
@given(text=text_bytes)
def test_name_is_what_python_decodes_or_a_fault(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("pbf", numbered=True) / "town.osm.pbf"
    street = way(5, [1], keys=[HIGHWAY, NAME], values=[RESIDENTIAL, len(TEXTS)])
    path.write_bytes(file_of(block([*TEXTS, text], [(WAY, street)]), compress=False))
    try:
        expected = text.decode()
    except UnicodeDecodeError:
        with pytest.raises(InputError, match="a text is not UTF-8"):
            read(path)
    else:
        (found,) = plain(read(path))["ways"]
        assert found[3] == expected


def test_text_that_nobody_asks_for_may_be_no_utf8(read_bytes):
    building = way(4, [1], keys=[len(TEXTS)], values=[len(TEXTS)])
    content = block([*TEXTS, b"\xff"], [(WAY, building), (WAY, way(5, [1], **STREET))])
    assert read_bytes(file_of(content)).way.tolist() == [5]


def test_generator_that_is_no_utf8_is_refused(fault_of):
    assert "block at byte" in fault_of(blob(field(16, b"\xff"), kind=b"OSMHeader")).cause


SMALL = file_of(
    block(TEXTS, [(DENSE, dense([1, 2, 3], [10, 20, 30], [1, 2, 3], keys_values=[0, BARRIER, GATE, 0, 0],
                                about=message((1, packed([1, 1, 2])), (6, packed([1, 1, 1])))))],
          [(NODE, node(4, 40, 4, keys=[BARRIER, NAME], values=[YES, YES], about=info(1, True)))]),
    block(TEXTS, [(WAY, way(5, [1, 2, 4], keys=[HIGHWAY, NAME], values=[RESIDENTIAL, YES], about=info(3, True))),
                  (WAY, way(5, [3], **STREET)), (WAY, way(6, [], keys=[ONEWAY], values=[YES])),
                  (WAY, way(7, [3, 1], **STREET) + message((9, deltas([1, 2])), (10, deltas([3, 4]))))]),
    block(TEXTS, [(RELATION, relation(8, [(FROM, 5, 1), (FROM, 2, 0)], **RULE))]),
    required=HISTORY,
    compress=False,
)  # fmt: skip


@settings(max_examples=1500)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4),
    drop=st.tuples(st.integers(0, len(SMALL)), st.integers(0, 3)),
    insert=st.tuples(st.integers(0, len(SMALL)), st.binary(max_size=3)),
    size=st.just(len(SMALL) + 3) | st.integers(0, len(SMALL)),
)
def test_altered_file_gives_roads_or_a_fault(tmp_path_factory, changes, drop, insert, size):
    content = bytearray(SMALL)
    for place, byte in changes:
        content[place] = byte
    content[insert[0] : insert[0]] = insert[1]
    del content[drop[0] : sum(drop)]
    path = tmp_path_factory.mktemp("pbf") / "town.osm.pbf"
    path.write_bytes(content[:size])
    try:
        roads = read(path)
    except InputError:
        return
    assert consistent(roads)


def test_every_single_byte_may_be_altered(read_bytes):
    assert consistent(read_bytes(SMALL))
    refused = 0
    for place in range(len(SMALL)):
        for byte in (0x00, 0x01, 0x7F, 0x80, 0xFF, SMALL[place] ^ 1, SMALL[place] ^ 0x80):
            try:
                assert consistent(read_bytes(SMALL[:place] + bytes([byte]) + SMALL[place + 1 :]))
            except InputError:
                refused += 1
    assert refused > len(SMALL)


@settings(max_examples=500)
@given(content=st.binary(max_size=60), prefix=st.sampled_from([b"", block(TEXTS), *(b[:-9] for b in [SMALL])]))
def test_decoders_take_any_bytes_or_raise_value_error(content, prefix):
    ways = _core.WayReader([("highway", None)], ["oneway"], [":conditional"], ("type", "restriction"), True)
    nodes = _core.NodeReader(np.arange(10), ["barrier"], True)
    for decode in (_core.blob_header, _core.blob, _core.file_header, _core.holds_ways, ways.read, nodes.read):
        try:
            decode(prefix + content)
        except ValueError:
            continue
    ways.finish()
    nodes.tagged()


def test_places_are_given_only_of_nodes_that_were_looked_for():
    nodes = _core.NodeReader(np.array([1, 3]), [], False)
    with pytest.raises(ValueError, match="node 2 was not looked for"):
        nodes.places(np.array([1, 2]))


# Other kinds of files.


@pytest.mark.parametrize(("suffix", "pack"), [(".osm", bytes), (".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)])
def test_other_kinds_of_files_are_copied_to_pbf(tmp_path, suffix, pack):
    path = tmp_path / f"town{suffix}"
    path.write_bytes(pack((MAPS / "town.osm").read_bytes()))
    with as_pbf(path) as copy:
        roads = read(copy)
    assert not copy.exists()
    assert list(tmp_path.iterdir()) == [path]
    # As the file's own comment says: way 12 occurs twice, way 13 refers to node 99 that is not there.
    assert roads.way.tolist() == [11, 12, 13, 14, 15]
    assert roads.repeated_ways == 1
    assert roads.node[roads.x == MISSING].tolist() == [99]
    assert [roads.names[name] for name in roads.name] == ["中州路", "", "", "", ""]


@pytest.mark.parametrize("name", ["ways_before_nodes.osm", "negative_ids.osm"])
def test_unsorted_map_and_negative_ids_have_their_places(name):
    with as_pbf(MAPS / name) as copy:
        roads = read(copy)
    assert len(roads.node) >= 2
    assert (roads.x != MISSING).all()


def test_pbf_is_read_where_it_stands(tmp_path):
    path = tmp_path / "town.OSM.PBF"
    with as_pbf(path) as same:
        assert same is path


def test_writer_of_an_xml_file_is_kept(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text('<osm version="0.6" generator="lastmile synthetic city"></osm>')
    with as_pbf(path) as copy:
        assert read(copy).generator == "lastmile synthetic city"


def test_deleted_objects_of_an_xml_file_are_left_out(tmp_path):
    path = tmp_path / "town.osm"
    street = '<tag k="highway" v="service"/></way>'
    path.write_text(
        '<osm version="0.6"><node id="1" lon="1" lat="1"/><node id="2" lon="2" lat="2" visible="false"/>'
        f'<way id="5" version="2"><nd ref="1"/><nd ref="2"/>{street}<way id="5" version="3"><nd ref="1"/>{street}'
        f'<way id="6" visible="false"><nd ref="1"/>{street}</osm>'
    )
    with as_pbf(path) as copy:
        roads = read(copy)
    assert (roads.way.tolist(), roads.node.tolist(), roads.repeated_ways) == ([5], [1, 2], 1)
    assert roads.x.tolist() == [10_000_000, MISSING]


def test_changes_in_xml_leave_the_latest_versions(tmp_path):
    path = tmp_path / "town.osm"
    street = '<tag k="highway" v="service"/></way>'
    path.write_text(
        f'<osmChange version="0.6"><create><way id="5" version="1"><nd ref="1"/>{street}'
        f'<way id="6" version="1"><nd ref="1"/>{street}</create>'
        f'<modify><way id="5" version="2"><nd ref="2"/>{street}</modify>'
        f'<delete><way id="6" version="2"/></delete></osmChange>'
    )
    with as_pbf(path) as copy:
        roads = read(copy)
    assert (roads.way.tolist(), roads.node.tolist(), roads.repeated_ways) == ([5], [2], 0)


@pytest.mark.parametrize("content", [b"", b"<osm", b"<osm version='0.6'><node id='x'/></osm>", b"\0\1", b"<html/>"])
@pytest.mark.parametrize("suffix", [".osm", ".osm.gz", ".osm.bz2"])
def test_broken_file_of_another_kind_is_refused_or_empty(tmp_path, content, suffix):
    path = tmp_path / f"town{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught, as_pbf(path) as copy:
        read(copy)
    (found,) = caught.value.faults
    assert str(path) in found.place
    assert "cannot be read to its end" in found.cause


@pytest.mark.parametrize("suffix", [".osm.gz", ".osm.bz2"])
def test_cut_packed_file_is_refused(tmp_path, suffix):
    whole = (gzip.compress if suffix == ".osm.gz" else bz2.compress)((MAPS / "town.osm").read_bytes())
    path = tmp_path / f"town{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError), as_pbf(path):
        pass
