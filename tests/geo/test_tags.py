"""Tags of a highway -> who may go where, how fast, under which limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.geo.tags import (
    BRIDGE,
    ELEVATED,
    EXPRESSWAY,
    KEYS,
    MODE_BIT,
    MODES,
    RAMP,
    ROAD_CLASSES,
    TUNNEL,
    calming,
    parse_metres,
    parse_speed,
    parse_tonnes,
    read_road,
    signals,
)

# W walk, T trike, V van, L light truck, M medium truck; capital letters of those who may pass.
LETTERS = {"W": "walk", "T": "e_trike", "V": "e_van", "L": "truck_light", "M": "truck_medium"}


def letters(bits):
    return "".join(letter for letter, mode in LETTERS.items() if bits & MODE_BIT[mode])


def read(text):
    return read_road(dict(part.split("=") for part in text.split()))


@pytest.mark.parametrize(
    ("tags", "forward", "backward"),
    [
        # Defaults by class
        ("highway=residential", "WTVLM", "WTVLM"),
        ("highway=living_street", "WTVL", "WTVL"),
        ("highway=trunk", "VLM", "VLM"),
        ("highway=motorway", "VLM", ""),
        ("highway=motorway oneway=no", "VLM", "VLM"),
        ("highway=footway", "W", "W"),
        ("highway=cycleway", "WT", "WT"),
        ("highway=pedestrian", "W", "W"),
        ("highway=pedestrian area=yes", "W", "W"),
        ("highway=steps", "W", "W"),
        ("highway=busway foot=yes", "W", "W"),
        # Direction
        ("highway=residential oneway=yes", "WTVLM", "W"),
        ("highway=residential oneway=true", "WTVLM", "W"),
        ("highway=residential oneway=-1", "W", "WTVLM"),
        ("highway=residential oneway=reverse", "W", "WTVLM"),
        ("highway=residential oneway=alternating", "WTVLM", "WTVLM"),
        ("highway=residential oneway=reversible", "W", "W"),
        ("highway=residential oneway=yes oneway:bicycle=no", "WTVLM", "WT"),
        ("highway=residential oneway=-1 oneway:bicycle=no", "WT", "WTVLM"),
        ("highway=residential oneway=yes cycleway=opposite", "WTVLM", "WT"),
        ("highway=residential oneway=yes cycleway:left=opposite_lane", "WTVLM", "WT"),
        ("highway=residential oneway=reversible oneway:bicycle=no", "W", "W"),
        ("highway=residential oneway=yes oneway:foot=yes", "WTVLM", ""),
        ("highway=tertiary junction=roundabout", "WTVLM", "W"),
        ("highway=tertiary junction=circular", "WTVLM", "W"),
        ("highway=tertiary junction=roundabout oneway=no", "WTVLM", "WTVLM"),
        # Access: the most specific key decides
        ("highway=service access=private", "", ""),
        ("highway=service access=no foot=yes", "W", "W"),
        ("highway=service access=no vehicle=yes", "TVLM", "TVLM"),
        ("highway=service access=no motor_vehicle=delivery", "VLM", "VLM"),
        ("highway=residential access=destination", "WTVLM", "WTVLM"),
        ("highway=residential motor_vehicle=destination", "WTVLM", "WTVLM"),
        ("highway=residential motor_vehicle=no", "WT", "WT"),
        ("highway=residential vehicle=no bicycle=yes", "WT", "WT"),
        ("highway=residential vehicle=no", "W", "W"),
        ("highway=residential hgv=no", "WTV", "WTV"),
        ("highway=residential hgv=destination", "WTVLM", "WTVLM"),
        ("highway=residential goods=no", "WTM", "WTM"),
        ("highway=residential motor_vehicle=no goods=yes", "WTVL", "WTVL"),
        ("highway=residential goods=yes hgv=no", "WTV", "WTV"),
        ("highway=living_street hgv=designated", "WTVLM", "WTVLM"),
        ("highway=pedestrian goods=delivery", "WVL", "WVL"),
        ("highway=residential bicycle=dismount", "WVLM", "WVLM"),
        ("highway=residential bicycle=use_sidepath", "WVLM", "WVLM"),
        ("highway=residential foot=no", "TVLM", "TVLM"),
        ("highway=footway access=yes", "W", "W"),
        ("highway=footway bicycle=yes", "WT", "WT"),
        ("highway=steps bicycle=yes", "W", "W"),
        ("highway=trunk bicycle=yes foot=yes", "WTVLM", "WTVLM"),
        ("highway=motorway foot=yes bicycle=yes", "VLM", ""),
        ("highway=primary motorroad=yes", "VLM", "VLM"),
        ("highway=primary motorroad=yes foot=yes", "WVLM", "WVLM"),
        ("highway=residential access=agricultural;forestry", "", ""),
        ("highway=residential motor_vehicle=unknown", "WTVLM", "WTVLM"),
    ],
)
def test_who_may_go_where(tags, forward, backward):
    road = read(tags)
    if not forward and not backward:
        assert road is None
        return
    assert (letters(road.forward), letters(road.backward)) == (forward, backward)


@pytest.mark.parametrize("highway", ["construction", "proposed", "platform", "", "Residential"])
def test_what_is_no_road_is_none(highway):
    assert read_road({"highway": highway}) is None


def test_reversible_lane_is_reported():
    assert read("highway=residential oneway=reversible").unread == ("oneway",)


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50),
        ("50 km/h", 50),
        ("50kmh", 50),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("CN:urban", 50),
        ("CN:motorway", 120),
        ("walk", 6),
        ("60;40", 60),
        ("none", 0),
        ("signals", 0),
        ("0", None),
        ("-5", None),
        ("fast", None),
        ("5 0", None),
    ],
)
def test_speed(text, kmh):
    assert parse_speed(text) == (kmh if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("text", "tonnes"),
    [("3.5", 3.5), ("3,5", 3.5), ("7.5 t", 7.5), ("3500 kg", 3.5), ("3500kg", 3.5), ("10 st", 9.07185),
     ("none", math.inf),
     ("11023 lbs", 4.99995), ("heavy", None), ("", None)],
)  # fmt: skip
def test_weight(text, tonnes):
    assert parse_tonnes(text) == (tonnes if tonnes is None else pytest.approx(tonnes, rel=1e-4))


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("3.8", 3.8),
        ("3,8 m", 3.8),
        ("380 cm", 3.8),
        ("12 ft", 3.6576),
        ("12'6\"", 3.81),  # 12 x 0.3048 + 6 x 0.0254
        ("12' 6\"", 3.81),
        ("12'", 3.6576),
        ("12ft 6in", 3.81),
        ("12 ft 6 in", 3.81),
        ("default", math.inf),
        ("none", math.inf),
        ("low", None),
    ],
)
def test_height(text, metres):
    assert parse_metres(text) == (metres if metres is None else pytest.approx(metres))


def test_lowest_of_several_limits_holds():
    road = read("highway=service maxheight=3.5 maxheight:physical=3.2 maxweight=8 maxweightrating=3.5 maxwidth=2.2")
    assert (road.max_height_m, road.max_weight_t, road.max_width_m) == (3.2, 3.5, 2.2)


def test_values_not_understood_are_named_and_treated_as_absent():
    road = read("highway=service maxspeed=slow maxheight=low maxweight=heavy")
    assert road.unread == ("maxspeed", "maxweight", "maxheight")
    assert (road.max_kmh, road.max_weight_t, road.max_height_m) == (0, math.inf, math.inf)


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ("highway=trunk bridge=yes layer=1", BRIDGE | ELEVATED),
        ("highway=trunk bridge=yes", BRIDGE),
        ("highway=primary bridge=viaduct", BRIDGE | ELEVATED),
        ("highway=primary bridge=yes layer=2", BRIDGE),
        ("highway=primary bridge=yes layer=2 expressway=yes", BRIDGE | ELEVATED | EXPRESSWAY),
        ("highway=trunk bridge=yes layer=high", BRIDGE),
        ("highway=residential tunnel=yes layer=-1", TUNNEL),
        ("highway=motorway_link", EXPRESSWAY | RAMP),
        ("highway=primary_link", RAMP),
        ("highway=residential bridge=no tunnel=no", 0),
    ],
)
def test_flags(tags, flags):
    assert read(tags).flags == flags


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=12)), st.sampled_from(ROAD_CLASSES))
def test_no_text_breaks_the_reader(tags, highway):
    road = read_road({**tags, "highway": highway})
    if road is not None:
        assert road.forward | road.backward
        assert road.max_kmh >= 0
        assert min(road.max_weight_t, road.max_height_m, road.max_width_m) >= 0


@pytest.mark.parametrize(
    ("tags", "modes"),
    [
        ({"route": "ferry"}, {"walk", "e_trike"}),
        ({"route": "ferry", "motor_vehicle": "yes"}, set(MODES) - {"truck_medium"} | {"truck_medium"}),
        ({"route": "ferry", "vehicle": "no"}, {"walk"}),
        ({"route": "bus"}, None),
        ({"highway": "ferry"}, None),
    ],
)
def test_who_may_take_a_ferry(tags, modes):
    road = read_road(tags)
    assert (road and {mode for mode in MODES if road.forward & MODE_BIT[mode]}) == modes


@pytest.mark.parametrize(
    ("tags", "sides"),
    [
        ({"highway": "traffic_signals"}, 3),
        ({"highway": "traffic_signals", "traffic_signals:direction": "forward"}, 1),
        ({"highway": "traffic_signals", "direction": "backward"}, 2),
        ({"highway": "crossing", "crossing": "traffic_signals"}, 3),
        ({"highway": "crossing", "crossing:signals": "yes"}, 3),
        ({"highway": "crossing", "crossing": "marked"}, 0),
        ({"highway": "stop"}, 0),
    ],
)
def test_signals_hold_up_in_their_direction(tags, sides):
    assert signals(tags) == sides


def test_only_what_slows_vehicles_is_traffic_calming():
    assert [calming({"traffic_calming": kind}) for kind in ("hump", "table", "rumble_strip", "island")] == [3, 3, 0, 0]
    assert calming({"traffic_calming": "hump", "direction": "forward"}) == 1
