"""The decoder of map files reads the same as pyosmium, and what pyosmium does not write."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import osmium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pbf_bytes import (
    DENSE,
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
    info,
    message,
    node,
    packed,
    relation,
    varint,
    way,
)
from raw_roads import (
    BARRIER,
    FROM,
    GATE,
    HIGHWAY,
    HISTORY,
    NAME,
    ONEWAY,
    RESIDENTIAL,
    RESTRICTION,
    STREET,
    TEXTS,
    TYPE,
    YES,
    by_osmium,
    consistent,
    nodes_of,
    plain,
    read,
    ways_of,
)

from lastmile.geo.pbf import MISSING, RawRoads

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
def test_random_map_reads_as_pyosmium_reads_it(one_folder, town, packing, order):
    path = one_folder / "town.osm.pbf"
    path.unlink(missing_ok=True)
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
