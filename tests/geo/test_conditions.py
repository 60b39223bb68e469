from datetime import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.geo.conditions import Moment, RoadCondition, TurnCondition, changes, parse_clauses
from lastmile.geo.tags import MODE_BIT, MODES, read_road

FRIDAY = datetime(2026, 11, 20)


def at(hour: float, *, day: int = 0, holiday: bool = False) -> Moment:
    return Moment(time=FRIDAY.replace(day=20 + day, hour=int(hour), minute=int(hour % 1 * 60)), holiday=holiday)


def vehicle(**sizes):
    return SimpleNamespace(**{"gross_weight_t": None, "height_m": None, "length_m": None, "width_m": None, **sizes})


def test_street_closed_to_motors_in_the_morning_peak_is_open_to_trikes_then_and_to_all_afterwards():
    street = RoadCondition(
        tags={"highway": "residential", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00)"},
    )
    assert street.open_to("e_van", at(6.98), None) == (True, True)
    assert street.open_to("e_van", at(7), None) == (False, False)
    assert street.open_to("e_trike", at(8), None) == (True, True)
    assert street.open_to("e_van", at(9), None) == (True, True)
    assert street.open_to("e_van", at(8, day=1), None) == (True, True)  # a Saturday


def test_one_way_street_may_be_driven_both_ways_at_night():
    street = RoadCondition(tags={"highway": "residential", "oneway": "yes", "oneway:conditional": "no @ (22:00-06:00)"})
    assert street.open_to("e_van", at(12), None) == (True, False)
    assert street.open_to("e_van", at(23), None) == (True, True)
    assert street.open_to("e_van", at(5), None) == (True, True)
    assert street.ever() == (read_road({"highway": "residential"}).forward,) * 2


def test_pedestrian_street_opens_for_deliveries_before_the_shops_do():
    street = RoadCondition(
        tags={"highway": "pedestrian", "motor_vehicle": "no", "motor_vehicle:conditional": "delivery @ (05:00-10:00)"}
    )
    assert street.open_to("truck_light", at(9.5), None) == (True, True)
    assert street.open_to("truck_light", at(10), None) == (False, False)
    bits = MODE_BIT["truck_light"]
    assert street.ever()[0] & bits and not read_road({"highway": "pedestrian"}).forward & bits


def test_sizes_bind_only_the_vehicles_that_exceed_them():
    street = RoadCondition(tags={"highway": "tertiary", "hgv:conditional": "no @ (weight>7.5 AND 07:00-20:00)"})
    assert street.open_to("truck_medium", at(12), vehicle(gross_weight_t=7.5)) == (True, True)
    assert street.open_to("truck_medium", at(12), vehicle(gross_weight_t=7.6)) == (False, False)
    assert street.open_to("truck_medium", at(21), vehicle(gross_weight_t=7.6)) == (True, True)
    assert street.open_to("truck_medium", at(12), vehicle()) == (True, True)  # not stated: exceeds nothing


def test_posted_weight_by_the_hour_closes_the_road_to_heavier_vehicles():
    bridge = RoadCondition(tags={"highway": "tertiary", "maxweight:conditional": "3.5 @ (20:00-06:00)"})
    assert bridge.open_to("truck_light", at(21), vehicle(gross_weight_t=4.5)) == (False, False)
    assert bridge.open_to("truck_light", at(12), vehicle(gross_weight_t=4.5)) == (True, True)


def test_last_matching_clause_decides():
    street = RoadCondition(
        tags={"highway": "residential", "access:conditional": "no @ (08:00-18:00); destination @ (12:00-13:00)"}
    )
    assert street.open_to("e_van", at(11), None) == (False, False)
    assert street.open_to("e_van", at(12.5), None) == (True, True)


def test_public_holidays_are_those_of_the_scenario():
    street = RoadCondition(
        tags={"highway": "residential", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00; PH off)"}
    )
    assert street.open_to("e_van", at(8), None) == (False, False)
    assert street.open_to("e_van", at(8, holiday=True), None) == (True, True)


def test_turn_is_banned_for_bound_modes_at_its_hours_only():
    turn = TurnCondition(bans=((MODE_BIT["e_van"], "no_left_turn @ (07:00-09:00)"),))
    assert turn.open_to("e_van", at(8), None) == (False, False)
    assert turn.open_to("e_van", at(9), None) == (True, False)
    assert turn.open_to("e_trike", at(8), None) == (True, False)


def test_purposes_that_are_not_deliveries_never_match():
    street = RoadCondition(
        tags={"highway": "residential", "access": "no", "access:conditional": "yes @ residents; yes @ delivery"}
    )
    assert street.open_to("e_van", at(8), None) == (True, True)
    assert parse_clauses("yes @ residents")[0].ours is False


@pytest.mark.parametrize(
    "text",
    ["no", "no @", "@ (07:00-09:00)", "no @ wet", "no @ (Mo-Fr 7-9)", "no @ (weight>heavy)", "no @ (07:00-09:00; x",
     "no @ (07:00-09:00); maybe", ""],
)  # fmt: skip
def test_what_is_not_understood_is_not_half_understood(text):
    assert parse_clauses(text) is None
    with pytest.raises(ValueError, match="not understood"):
        RoadCondition(tags={"highway": "residential", "access:conditional": text})


def test_the_day_is_cut_where_hours_begin_and_end():
    street = RoadCondition(
        tags={"highway": "residential", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00, 17:00-19:00)"}
    )
    cuts = changes([street], Moment(time=FRIDAY), 2)
    # Saturday has no such hours.
    assert [moment.strftime("%a %H:%M") for moment in cuts if moment.minute or moment.hour] == [
        "Fri 07:00", "Fri 09:00", "Fri 17:00", "Fri 19:00"
    ]  # fmt: skip


@given(
    base=st.sampled_from(["yes", "no", "destination", "private"]),
    value=st.sampled_from(["yes", "no", "delivery"]),
    oneway=st.sampled_from(["yes", "no", "-1"]),
    night=st.sampled_from(["yes", "no", "-1"]),
    hour=st.integers(0, 23),
)
def test_what_is_open_at_some_hour_is_among_what_is_ever_open(base, value, oneway, night, hour):
    road = RoadCondition(
        tags={
            "highway": "residential", "motor_vehicle": base, "motor_vehicle:conditional": f"{value} @ (06:00-12:00)",
            "oneway": oneway, "oneway:conditional": f"{night} @ (20:00-07:00)",
        }
    )  # fmt: skip
    ever = road.ever()
    for mode in MODES:
        now = road.open_to(mode, at(hour), None)
        assert all(not open_now or bits & MODE_BIT[mode] for open_now, bits in zip(now, ever, strict=True))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    clauses = parse_clauses(text)
    assert clauses is None or all(clause.value for clause in clauses)
