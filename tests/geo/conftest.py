"""Maps written by hand, as text or byte by byte."""

from xml.sax.saxutils import quoteattr

import pytest
from raw_roads import read

from lastmile.errors import InputError


@pytest.fixture
def write_map(tmp_path):
    """Write an .osm file: ``nodes`` {id: (lon, lat)}, ``ways`` {id: (node ids, tags)}; returns its path."""

    def write(nodes, ways, name="town.osm"):
        lines = ['<osm version="0.6">']
        lines += [f'<node id="{node}" lon="{lon!r}" lat="{lat!r}"/>' for node, (lon, lat) in nodes.items()]
        for way, (refs, tags) in ways.items():
            lines.append(f'<way id="{way}">')
            lines += [f'<nd ref="{ref}"/>' for ref in refs]
            lines += [f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items()]
            lines.append("</way>")
        path = tmp_path / name
        path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
        return path

    return write


def grid_nodes(columns, rows, *, lon=113.0, lat=34.0, step=0.001):
    """Junctions of a grid, numbered row by row from 1."""
    return {
        row * columns + column + 1: (lon + column * step, lat + row * step)
        for row in range(rows)
        for column in range(columns)
    }


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
