"""Where a vehicle was at any metre of its way, on a road with bends."""

import numpy as np
import pytest
from driving import at_speed, drive
from hypothesis import assume, given
from hypothesis import strategies as st

from lastmile.geo.distances import metres_per_degree, step_lengths
from lastmile.geo.fixes import Trace
from lastmile.geo.matching import Matcher
from lastmile.geo.network import RoadNetwork
from lastmile.traces.positions import way_line

NODES = {
    1: (113.0, 34.0), 2: (113.001, 34.0003), 3: (113.002, 34.0), 4: (113.003, 34.0008), 5: (113.004, 34.0),
    6: (113.002, 34.001),
}  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Junctions 1, 3 and 5 on a winding road over 2 and 4; a side road from 3 to 6."""
    nodes = "".join(f'<node id="{i}" lon="{lon!r}" lat="{lat!r}"/>' for i, (lon, lat) in NODES.items())
    ways = "".join(
        f'<way id="{i}">{"".join(f"<nd ref={chr(34)}{ref}{chr(34)}/>" for ref in refs)}'
        '<tag k="highway" v="residential"/></way>'
        for i, refs in {1: (1, 2, 3, 4, 5), 2: (3, 6)}.items()
    )
    path = tmp_path_factory.mktemp("bends") / "bends.osm"
    path.write_text(f'<osm version="0.6">{nodes}{ways}</osm>')
    return RoadNetwork.from_osm(path)


def edges_of(network, *names):
    source, target = network.node_osm[network.edge_source], network.node_osm[network.edge_target]
    pairs = zip(names[:-1], names[1:], strict=True)  # noqa: RUF007
    return [int(np.flatnonzero((source == a) & (target == b))[0]) for a, b in pairs]


def matched(network, trace):
    (found,) = Matcher(network, "e_van").match([trace])
    return found


@given(
    start=st.floats(0, 0.9),
    end=st.floats(0.1, 1),
    names=st.sampled_from([(1, 3, 5), (5, 3, 1), (1, 3, 6), (6, 3, 5), (1, 3, 1)]),
)
def test_line_is_as_long_as_the_way_and_runs_along_it(network, start, end, names):
    # Turning around is told from noise by some fixes on either side of it: 78 of the road's 196 m.
    assume(names != (1, 3, 1) or (start <= 0.6 and end >= 0.4))
    path = at_speed(network, edges_of(network, *names), start=start, end=end)
    assume(path.metres(network) > 2 * 12 + 20)  # less may be one place of fixes that lie together, and no way
    trace = drive(network, path, every_s=2.0)
    found = matched(network, trace)
    line = way_line(network, found)
    assert (np.diff(line.metres) >= -1e-9).all()
    assert line.metres[-1] == pytest.approx(found.metres.sum())
    assert step_lengths(line.lon, line.lat).sum() == pytest.approx(found.metres.sum(), abs=0.2)
    # At the moment of each fix it is where the fix is, up to the averaging of fixes that lie together; where it turned
    # around is known to half of the 20 m between two fixes.
    limit_m = 13 + 10 * (names == (1, 3, 1))
    lon, lat = line.at(found.at_m, found.at_part)
    per_lon, per_lat = metres_per_degree(trace.lat)
    assert np.hypot((lon - trace.lon) * per_lon, (lat - trace.lat) * per_lat)[1:-1].max(initial=0.0) < limit_m


def test_parts_are_kept_apart(network):
    trace = drive(network, at_speed(network, edges_of(network, 1, 3, 5), kmh=3.6), every_s=5.0)
    keep = (trace.second < 120) | (trace.second > 320)
    found = matched(network, Trace(lon=trace.lon[keep], lat=trace.lat[keep], second=trace.second[keep]))
    assert found.parts == 2
    line = way_line(network, found)
    assert np.unique(line.part).tolist() == [0, 1]
    # The same metre is the end of the first part and the beginning of the second.
    metre = np.full(2, found.metres[found.part == 0].sum())
    lon, _ = line.at(metre, np.array([0, 1], dtype=np.int32))
    assert lon[1] - lon[0] > 0.0015


def test_trace_without_a_way_has_no_line(network):
    found = matched(network, Trace(lon=np.array([113.001]), lat=np.array([34.0003]), second=np.zeros(1)))
    assert len(way_line(network, found).lon) == 0
