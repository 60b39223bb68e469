"""The measuring tools themselves: the made-up province, the table of figures and the picture of growth."""

import hashlib
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import osmium
import pytest

from benchmarks.processes import run
from benchmarks.roads.figures import Figure, Target, markdown, number
from benchmarks.roads.growth import Size, growth_chart, growth_markdown
from benchmarks.roads.province import write_province
from lastmile.geo.network import RoadNetwork

SIZE = Size(
    junctions=1000, file_mb=0.1, nodes=1000, edges=3000, read_s=0.1, read_mb=90, order_s=0.01, customize_s=0.001,
    change_s=None, table_s=0.02, catchments_s=0.2, search_mb=120,
)  # fmt: skip


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    path = tmp_path_factory.mktemp("province") / "province.osm.pbf"
    write_province(path, junctions=20_000)
    return path


def test_province_holds_what_real_maps_hold(province):
    keys, barriers, rules = Counter(), Counter(), Counter()
    for item in osmium.FileProcessor(str(province)):
        tags = dict(item.tags)
        if item.is_node():
            barriers[tags.get("barrier", "")] += 1
        elif item.is_way():
            keys.update([*tags, f"highway={tags.get('highway')}", f"oneway={tags.get('oneway')}"])
        else:
            rules.update(member.role + member.type for member in item.members)
            rules.update(list(tags))
    assert keys["building"] > 500
    for wanted in ("trunk", "primary", "secondary", "tertiary", "residential", "unclassified", "service", "footway"):
        assert keys[f"highway={wanted}"] > 0, wanted
    assert min(keys["oneway=yes"], keys["oneway=-1"], keys["motor_vehicle:conditional"], keys["maxweight"]) > 0
    assert min(barriers["gate"], barriers["bollard"]) > 0
    assert min(rules["vian"], rules["viaw"], rules["restriction"], rules["restriction:conditional"]) > 0


def test_province_is_one_network_for_every_class(province):
    network = RoadNetwork.from_osm(province)
    junctions = len(np.unique(network.node_osm[network.node_osm > 0]))
    assert 17_000 < junctions < 24_000  # without arrivals and departures of junctions that were taken apart
    metres = float(network.segment_length_m.sum())
    # What is cut off are streets behind barriers and closed ways, not towns.
    assert all(cut < 0.05 * metres for cut in network.cut_off.values())


def test_same_seed_writes_the_same_province(tmp_path):
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.osm.pbf"
        write_province(path, junctions=1000, seed=seed)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_province_of_no_town_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1000"):
        write_province(tmp_path / "x.osm.pbf", junctions=10)


@pytest.mark.parametrize(
    ("lastmile", "other", "target", "ratio", "met"),
    [
        (2.0, 30.0, Target(ratio=15), 15.0, True),
        (2.0, 29.0, Target(ratio=15), 14.5, False),
        (2.0, None, Target(ratio=15), None, None),
        (None, 30.0, Target(ratio=15), None, None),
        (2.0, None, Target(most=2), None, True),
        (2.1, None, Target(most=2), None, False),
        (2.0, 1.0, None, 0.5, None),
    ],
)
def test_figure_meets_its_target(lastmile, other, target, ratio, met):
    figure = Figure(data="m", what="w", unit="s", lastmile=lastmile, peer="p", other=other, target=target)
    assert figure.ratio == ratio
    assert figure.met is met


def test_absent_peer_is_named_in_the_table():
    figure = Figure(
        data="m", what="w", unit="s", lastmile=2.0, peer="p", absent="p is not installed", target=Target(ratio=2)
    )
    row = markdown([figure], []).splitlines()[2]
    assert row == "| m | w, s | 2.00 | p: absent, p is not installed | – | – | ratio ≥ 2 | not measured |"


def test_numbers_keep_three_digits():
    assert [number(value) for value in (None, 0.0123, 1.234, 12.34, 123.4, 12345.6)] == [
        "–", "0.012", "1.23", "12.3", "123", "12,346",
    ]  # fmt: skip


def test_growth_names_its_power():
    # Ten times the nodes take a hundred times as long to order: n squared.
    larger = replace(SIZE, nodes=10_000, edges=30_000, order_s=1.0)
    last = growth_markdown((SIZE, larger)).splitlines()[4]
    assert last.split("|")[5].strip() == "2.00"


def test_chart_is_a_picture_of_all_costs(tmp_path):
    path = tmp_path / "growth.svg"
    growth_chart((SIZE, replace(SIZE, nodes=10_000, read_s=1.0)), path)
    root = ET.parse(path).getroot()
    lines = root.findall(".//{*}polyline")
    assert len(lines) == 7
    texts = {text.text for text in root.findall(".//{*}text")}
    assert {"read", "order", "customize", "table of 1,000", "catchments", "reading", "searching"} <= texts
    with pytest.raises(ValueError, match="two sizes"):
        growth_chart((SIZE,), path)


def test_process_is_measured_by_itself():
    done = run("-c", "import json; a = b'x' * 200_000_000; print('x'); print(json.dumps({'a': len(a)}))")
    assert done.said == {"a": 200_000_000}
    assert 190 < done.peak_mb < 260
    assert done.wall_s > 0
    with pytest.raises(RuntimeError, match="no such thing"):
        run("-c", "raise SystemExit('no such thing')")
