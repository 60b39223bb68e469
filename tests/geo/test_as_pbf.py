"""Map files of other kinds are copied to PBF: nothing is lost, and broken ones are refused."""

import bz2
import gzip
from pathlib import Path

import pytest
from raw_roads import (
    by_osmium,
    plain,
    read,
)

from lastmile.errors import InputError
from lastmile.geo.pbf import MISSING, as_pbf

MAPS = Path(__file__).parent.parent / "data" / "osm"


@pytest.mark.parametrize("name", ["chengdu", "shanghai-oneway-edges", "shenzhen-longgang"])
def test_real_xml_reads_as_pyosmium_reads_it(data_folder, name):
    path = data_folder / "osm" / f"{name}.osm"
    with as_pbf(path) as copy:
        roads = read(copy)
    assert plain(roads) == by_osmium(path)
    assert len(roads.way) > 100


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
