"""Reading of map files, above all of broken ones."""

import bz2
import contextlib
import gzip
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import osmium
import pytest

from lastmile.errors import InputError
from lastmile.geo.features import read_features
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osm import ReadOptions, read_highways

MAPS = Path(__file__).parent.parent / "data" / "osm"


def fault(path, read=RoadNetwork.from_osm):
    with pytest.raises(InputError) as caught:
        read(path)
    (found,) = caught.value.faults
    return found


def same_highways(one, other):
    for item in fields(one):
        a, b = getattr(one, item.name), getattr(other, item.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
        elif item.name != "marks":
            assert a == b


def test_what_cannot_be_used_is_dropped_and_counted():
    highways = read_highways(MAPS / "town.osm")
    assert highways.way.tolist() == [11, 12, 13]
    assert [highways.names[name] for name in highways.name] == ["中州路", "", ""]
    assert highways.node.tolist() == [1, 2, 3, 2, 4, 4, 5, 99, 3]
    assert np.flatnonzero(np.isnan(highways.lon)).tolist() == [7]
    assert highways.dropped == {
        "ways whose id occurs twice (the first is kept)": 1,
        "ways that are no road or path, or closed to everyone": 2,
        "references of roads to nodes that are not in the file": 1,
    }
    assert not highways.synthetic


def test_road_is_cut_at_a_missing_node_not_bridged():
    network = RoadNetwork.from_osm(MAPS / "town.osm")
    # 11: 1-2, 2-3; 12: 2-4; 13: 4-5, and not 5-3 across the missing node.
    ends = {
        frozenset((int(network.node_osm[source]), int(network.node_osm[target])))
        for source, target in zip(network.edge_source, network.edge_target, strict=True)
    }
    assert ends == {frozenset(pair) for pair in ((1, 2), (2, 3), (2, 4), (4, 5))}


@pytest.mark.parametrize(("suffix", "pack"), [(".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)])
def test_packed_file_reads_like_the_plain_one(tmp_path, suffix, pack):
    packed = tmp_path / f"town{suffix}"
    packed.write_bytes(pack((MAPS / "town.osm").read_bytes()))
    same_highways(read_highways(packed), read_highways(MAPS / "town.osm"))


@pytest.mark.parametrize("suffix", [".osm.gz", ".osm.bz2"])
def test_cut_packed_file_is_refused(tmp_path, suffix):
    packed = tmp_path / f"town{suffix}"
    whole = (gzip.compress if suffix == ".osm.gz" else bz2.compress)((MAPS / "town.osm").read_bytes())
    packed.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read to its end" in fault(packed).cause


def write_pbf(path, name="中州路", ways=2000):
    with osmium.SimpleWriter(str(path)) as writer:
        for node in range(1, ways + 2):
            writer.add_node(osmium.osm.mutable.Node(id=node, location=(113 + node * 1e-4, 34)))
        for way in range(1, ways + 1):
            tags = {"highway": "residential", "name": f"{name}{way}"}
            writer.add_way(osmium.osm.mutable.Way(id=way, nodes=[way, way + 1], tags=tags))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("read", [RoadNetwork.from_osm, read_features])
def test_cut_pbf_is_refused(tmp_path, share, read):
    path = tmp_path / "town.osm.pbf"
    write_pbf(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "cannot be read to its end" in fault(path, read).cause


def test_text_that_is_no_utf8_is_refused_without_a_traceback(tmp_path):
    path = tmp_path / "town.osm.pbf,pbf_compression=none"
    plain = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(plain), "pbf,pbf_compression=none")) as writer:
        for node in (1, 2):
            writer.add_node(osmium.osm.mutable.Node(id=node, location=(113 + node * 1e-4, 34)))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags={"highway": "residential", "name": "QQQQ"}))
    content = plain.read_bytes()
    assert content.count(b"QQQQ") == 1
    plain.write_bytes(content.replace(b"QQQQ", b"\xff\xfe\xff\xfe"))
    assert not path.exists()
    assert "cannot be read" in fault(plain).cause


@pytest.mark.parametrize("read", ["RoadNetwork.from_osm", "read_features"])
def test_billion_laughs_are_refused_in_bounded_memory(read):
    program = (
        "import resource, sys, pathlib\n"
        "from lastmile.errors import InputError\n"
        "from lastmile.geo.network import RoadNetwork\n"
        "from lastmile.geo.features import read_features\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"try:\n    {read}(pathlib.Path(sys.argv[1]))\n"
        "except InputError as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, MAPS / "laughs.osm"], capture_output=True, text=True, check=True, timeout=60
    )
    *message, kilobytes = done.stdout.splitlines()
    assert "entities are not supported" in " ".join(message)
    assert int(kilobytes) < 50_000  # the text would be 5 GB


@pytest.mark.parametrize(
    ("name", "cause", "remedy"),
    [
        ("empty.osm", "no road", "highway"),
        ("no_roads.osm", "no road", "highway"),
        ("scattered.osm", "no road has two nodes", "complete extract"),
        ("twon.osm", "does not exist", "empty.osm"),
    ],
)
def test_useless_map_is_a_fault_with_its_place_and_remedy(name, cause, remedy):
    found = fault(MAPS / name)
    assert name in found.place
    assert cause in found.cause
    assert remedy in found.remedy


def test_unknown_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "town.zip"
    path.write_bytes(b"PK")
    assert "unknown kind" in fault(path).cause


def test_folder_is_no_map(tmp_path):
    folder = tmp_path / "town.osm"
    folder.mkdir()
    assert "not a file" in fault(folder).cause


@pytest.mark.parametrize(
    "content", [b"", b"<osm", b"<osm version='0.6'><node id='x'/></osm>", b"\x00\x01\x02", b"<html/>"]
)
@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf", ".osm.gz", ".osm.bz2"])
@pytest.mark.parametrize("read", [RoadNetwork.from_osm, read_features])
def test_rubbish_is_refused(tmp_path, content, suffix, read):
    path = tmp_path / f"town{suffix}"
    path.write_bytes(content)
    assert fault(path, read).remedy


@pytest.mark.parametrize("name", ["town.osm", "areas.osm", "town.osm.pbf"])
def test_altered_bytes_never_end_in_a_traceback(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".pbf"):
        write_pbf(path, ways=20)
        whole = path.read_bytes()
    else:
        whole = (MAPS / name).read_bytes()
    random = np.random.default_rng(11)
    for _ in range(150):
        content = bytearray(whole)
        content[random.integers(len(content))] = random.integers(256)
        path.write_bytes(content)
        for read in (RoadNetwork.from_osm, read_features):
            with contextlib.suppress(InputError):
                read(path)


def test_generator_tells_a_made_up_city(tmp_path):
    path = tmp_path / "town.osm"
    content = (MAPS / "town.osm").read_text()
    path.write_text(
        re.sub('<osm version="0.6"[^>]*>', '<osm version="0.6" generator="lastmile synthetic city">', content)
    )
    assert read_highways(path).synthetic
    assert not read_highways(MAPS / "town.osm").synthetic


def test_place_is_read_with_its_name():
    features, _ = read_features(MAPS / "town.osm")
    (office,) = features
    assert (office.osm_id, office.name) == ("node/6", "邮局")
    assert (office.geometry.x, office.geometry.y) == (113.0005, 34.0005)


def test_multipolygon_is_joined_from_its_ways_with_its_hole():
    features, _ = read_features(MAPS / "areas.osm")
    by_id = {feature.osm_id: feature for feature in features}
    assert set(by_id) == {"way/24", "relation/31"}
    # A square of 0.01 degrees with a hole of 0.002: 0.0001 - 0.000004.
    assert by_id["relation/31"].geometry.area == pytest.approx(96e-6)
    assert by_id["relation/31"].name == "洛浦小区"


def test_areas_of_an_unsorted_file_are_the_same(tmp_path):
    content = (MAPS / "areas.osm").read_text()
    start = content.index('  <way id="24">')
    end = content.index("  <!-- Broken: a corner")
    triangle = content[start:end]
    path = tmp_path / "unsorted.osm"
    # Way 24 before way 21, and once more at its own place.
    path.write_text(content.replace('  <way id="21">', triangle + '  <way id="21">'))
    expected, counts = read_features(MAPS / "areas.osm")
    found, found_counts = read_features(path)
    assert {feature.osm_id for feature in found} == {feature.osm_id for feature in expected}
    assert found_counts == counts


def test_broken_areas_are_counted():
    _, dropped = read_features(MAPS / "areas.osm")
    assert dropped == {"areas whose outline is broken or incomplete": 4}  # ways 25, 26; relations 32, 33


REAL = {
    # file: (segments at least, kilometres at least and at most, kept for vans at least)
    "andorra.osm.pbf": (7_000, 1_500, 1_800, 0.3),
    "chengdu.osm": (4_500, 800, 1_000, 0.5),
    "helsinki-clipped.osm.pbf": (4_000, 90, 110, 0.1),
    "porto-alegre.osm.pbf": (25_000, 1_700, 2_000, 0.8),
    "shanghai-oneway-edges.osm": (1_000, 90, 110, 0.3),
    "shenzhen-longgang.osm": (1_000, 200, 250, 0.2),
}


@pytest.mark.parametrize("name", REAL)
def test_real_file_reads(data_folder, name):
    path = data_folder / "osm" / name
    network = RoadNetwork.from_osm(path)
    segments, low_km, high_km, kept = REAL[name]
    total = network.segment_length_m.sum()
    assert segments <= np.count_nonzero(network.segment_turn == 0) <= 2 * segments
    assert low_km <= total / 1000 <= high_km
    vans = np.unique(network.edge_segment[network.permitted("e_van")])
    assert network.segment_length_m[vans].sum() >= kept * total
    assert not network.synthetic
    read_features(path)


def test_clipped_file_reports_its_missing_nodes(data_folder):
    highways = read_highways(data_folder / "osm" / "helsinki-clipped.osm.pbf")
    assert highways.dropped["references of roads to nodes that are not in the file"] > 500


def test_ferries_are_read_only_when_asked_for(tmp_path):
    path = tmp_path / "river.osm"
    road, ferry = '<tag k="highway" v="primary"/>', '<tag k="route" v="ferry"/><tag k="motor_vehicle" v="yes"/>'
    nodes = "".join(f'<node id="{i}" lon="{113 + i / 100}" lat="34"/>' for i in range(1, 5))
    ways = "".join(
        f'<way id="{i}"><nd ref="{i}"/><nd ref="{i + 1}"/>{ferry if i == 2 else road}</way>' for i in (1, 2, 3)
    )
    path.write_text(f'<osm version="0.6">{nodes}{ways}</osm>')
    without, crossing = RoadNetwork.from_osm(path), RoadNetwork.from_osm(path, ReadOptions(ferries=True))
    assert without.segment_way.tolist() == [1, 3]
    assert without.cut_off["e_van"] == pytest.approx(923.8, abs=1)  # the other bank
    assert crossing.segment_way.tolist() == [1, 2, 3]
    assert crossing.cut_off["e_van"] == 0


def test_turn_restrictions_can_be_left_out(data_folder):
    path = data_folder / "osm" / "helsinki-clipped.osm.pbf"
    assert len(read_highways(path).turns) > 40
    assert read_highways(path, ReadOptions(turn_restrictions=False)).turns == ()
