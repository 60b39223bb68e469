"""The prepared network beside the map: used while it fits, made again when it does not."""

import json
import os

import numpy as np
import pytest

from lastmile.errors import InputError
from lastmile.geo import cache
from lastmile.geo.cache import cache_path, prepare_network
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osm import ReadOptions
from lastmile.geo.storage import load

NODES = {i: (113.0 + i % 3 * 0.01, 34.0 + i // 3 * 0.01) for i in range(9)}
WAYS = {
    1: ((0, 1, 2), {"highway": "primary", "name": "中州路"}),
    2: ((3, 4, 5), {"highway": "residential", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00)"}),
    3: ((0, 3), {"highway": "residential"}),
    4: ((1, 4), {"highway": "residential"}),
    5: ((2, 5), {"highway": "residential"}),
}


@pytest.fixture
def town(write_map):
    return write_map(NODES, WAYS)


def test_second_time_is_taken_from_the_file(town):
    first = prepare_network(town)
    assert first.origin == "read from town.osm and saved as town.osm.roads: there was none"
    second = prepare_network(town)
    assert second.origin == "taken from town.osm.roads"
    assert second.network.hash == first.network.hash
    assert second.network.conditions == first.network.conditions
    np.testing.assert_array_equal(second.order, first.order)
    assert sorted(second.order.tolist()) == list(range(first.network.nodes))


def test_mapped_arrays_cannot_be_written(town):
    prepare_network(town)
    network = prepare_network(town).network
    with pytest.raises(ValueError, match="read-only"):
        network.segment_length_m[0] = 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda town: town.write_text(town.read_text().replace("primary", "secondary")), "another map"),
        (lambda town: None, "another options"),
    ],
)
def test_stale_file_is_noticed_and_replaced(town, change, reason):
    prepare_network(town)
    change(town)
    options = ReadOptions(turn_restrictions="options" not in reason)
    again = prepare_network(town, options)
    assert reason in again.origin
    assert again.network.hash == RoadNetwork.from_osm(town, options).hash
    assert prepare_network(town, options).origin == "taken from town.osm.roads"


def test_file_of_another_version_is_replaced(town, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cache, "version", lambda _: "0.0.1")
        prepare_network(town)
    assert "another version" in prepare_network(town).origin


def test_damaged_file_is_noticed_and_replaced(town):
    prepare_network(town)
    path = cache_path(town)
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1]), b"rubbish"):
        path.write_bytes(content)
        again = prepare_network(town)
        assert "it was damaged" in again.origin
        assert path.read_bytes() == whole


def test_indices_that_lead_nowhere_are_refused_even_under_a_right_digest(town, tmp_path):
    network = prepare_network(town).network
    arrays = {name: getattr(network, name) for name in network.__slots__}
    for name, wrong in (
        ("edge_target", np.full_like(network.edge_target, network.nodes)),
        ("edge_segment", network.edge_segment - 1),
        ("first_out", network.first_out[::-1].copy()),
        ("segment_road", network.segment_road[:-1].copy()),
        ("segment_condition", network.segment_condition + 1),
    ):
        RoadNetwork(**{**arrays, name: wrong}).save(tmp_path / "wrong.roads")
        with pytest.raises(InputError, match=name):
            load(tmp_path / "wrong.roads")


def test_without_keeping_nothing_is_written_or_used(town):
    assert prepare_network(town, keep=False).origin == "read from town.osm"
    assert not cache_path(town).exists()


def test_folder_that_cannot_be_written_to_is_no_fault(town, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(cache, "save", full)
    prepared = prepare_network(town)
    assert "could not be written (No space left on device)" in prepared.origin
    assert prepared.network.edges > 0
    assert not cache_path(town).exists()


def test_notes_say_what_it_was_made_from(town):
    prepare_network(town)
    notes = load(cache_path(town)).notes
    assert json.loads(notes["options"]) == {"ferries": False, "turn_restrictions": True}
    assert set(notes) == {"map", "options", "version"}
