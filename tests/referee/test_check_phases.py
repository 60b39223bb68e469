"""Dates of sites: a clause is held against what is open on its day, and every date is one of the scenario's."""

from dataclasses import replace
from datetime import date

import pytest

from lastmile.plans import Built, Phase, SitingSummary
from lastmile.scenario import PhaseDemand

FIRST, MIDDLE, LAST = date(2018, 12, 31), date(2019, 6, 30), date(2020, 12, 31)
STATIONS, REACH, COMMUNITIES, MONEY, FLEET = range(5)  # of the scenario's targets


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


def phases(*dates):
    siting = SitingSummary(value_fen=0, bound_fen=0, gap=0.0, stopped="optimal")
    return tuple(Phase(by=by, siting=siting) for by in dates)


def phased(town, opens_by, **by):
    """The town whose targets have these dates and whose only site opens by that one."""
    for target, day in by.items():
        town = town.with_rule("targets", int(target.removeprefix("t")), by=day)
    return town.with_site(opens_by=opens_by).with_plan(phases=phases(FIRST, LAST))


@pytest.mark.parametrize(
    ("target", "name", "value", "amount"),
    [
        (STATIONS, "stations", 1, ["1 for 0", "met at 0"]),
        (REACH, "reach", 0.5, ["0.5 for 0", "met at 0"]),
        (COMMUNITIES, "communities", 0.5, ["0.5 for 0"]),  # missed in both, as the plan says
        (MONEY, "money", 700, ["700 for 0"]),
    ],
)
def test_clause_is_held_against_what_is_open_on_its_day(town, target, name, value, amount):
    # The other date is that of a clause of which every plan says the same.
    other = COMMUNITIES if target != COMMUNITIES else MONEY
    dates = {f"t{target}": FIRST, f"t{other}": LAST}
    assert found(phased(town, FIRST, **dates)) == []
    late = phased(town, LAST, **dates)
    assert found(late) == [("target", text) for text in amount]
    assert found(late.with_target(name, value=0, met=target == MONEY)) == []


def test_budget_of_an_earlier_date_binds_that_date_alone(town):
    # 700 yuan are spent by 2020, nothing by 2018, when nothing may be.
    spent = phased(town, LAST, **{f"t{MONEY}": FIRST, f"t{STATIONS}": LAST}).with_rule(
        "targets", MONEY, maximum_yuan=0.0
    )
    assert found(spent.with_target("money", value=0)) == []
    early = spent.with_site(opens_by=FIRST)
    assert found(early) == [("target", "met at 700")]
    assert found(early.with_target("money", met=False)) == []


DATES = {f"t{STATIONS}": LAST, f"t{MONEY}": FIRST}


def test_date_that_is_none_of_the_scenario(town):
    # It costs its money by 2018 no longer, which is another matter.
    spoilt = phased(town, MIDDLE, **DATES).with_target("money", value=0)
    assert found(spoilt) == [("phase", "2019-06-30")]


def test_new_site_without_a_date(town):
    assert found(phased(town, None, **DATES)) == [("phase", "no date")]


def test_phases_that_are_not_those_of_the_scenario(town):
    legal = phased(town, FIRST, **DATES)
    assert found(legal) == []
    assert found(legal.with_plan(phases=())) == [("phase", "none")]
    assert found(legal.with_plan(phases=phases(FIRST, MIDDLE, LAST))) == [
        ("phase", "2018-12-31, 2019-06-30, 2020-12-31")
    ]


def test_parcels_of_a_phase_that_are_not_those_of_the_scenario(town):
    legal = phased(town, FIRST, **DATES)
    file = legal.scenario.file
    demand = file.demand.model_copy(update={"phases": (PhaseDemand(by=LAST, factor=1.5),)})
    grown = replace(legal, scenario=replace(legal.scenario, file=file.model_copy(update={"demand": demand})))
    assert found(grown) == [("phase", "None for 1.5")]
    first, last = phases(FIRST, LAST)
    assert found(grown.with_plan(phases=(first, replace(last, demand_factor=1.5)))) == []


def test_date_where_the_scenario_has_no_phases(town):
    assert found(town.with_site(opens_by=FIRST)) == [("phase", "2018-12-31")]
    # One date makes no phases, nor do those of vehicles.
    one = town.with_rule("targets", STATIONS, by=FIRST).with_rule("targets", FLEET, by=LAST)
    assert found(one) == []
    assert found(one.with_site(opens_by=FIRST)) == [("phase", "2018-12-31")]


ONE_MODULE = Built(
    by=FIRST, modules=1, chilled_modules=0, capacity_parcels=4, chilled_capacity_parcels=0, cost_fen=60_000
)
TWO_MODULES = replace(ONE_MODULE, by=LAST, modules=2, capacity_parcels=8, cost_fen=70_000)


def growing(town, *states):
    """The site opens by 2018 with one module, for 500 + 100 yuan, and has two by 2020."""
    town = phased(town, FIRST, **DATES).with_rule("facilities", 0, modules_grow=True)
    return town.with_site(built=states or (ONE_MODULE, TWO_MODULES)).with_target("money", value=600)


def test_site_that_grows(town):
    assert found(growing(town)) == []
    # By 2018, when the money is due, 600 yuan are spent, and not the 700 of the end.
    assert found(growing(town).with_target("money", value=700)) == [("target", "700 for 600")]
    few = {"measure": "count", "facility": "station", "of": "modules"}
    assert found(growing(town).with_rule("targets", STATIONS, **few).with_target("stations", value=2)) == []
    early = growing(town).with_rule("targets", STATIONS, **few, by=FIRST).with_rule("targets", MONEY, by=LAST)
    early = early.with_target("money", value=700)
    assert found(early.with_target("stations", value=1)) == []
    assert found(early.with_target("stations", value=2)) == [("target", "2 for 1")]


@pytest.mark.parametrize(
    ("states", "rules"),
    [
        ((replace(ONE_MODULE, cost_fen=50_000), TWO_MODULES), ["site-cost"]),
        ((replace(ONE_MODULE, capacity_parcels=5), TWO_MODULES), ["modules"]),
        ((replace(ONE_MODULE, chilled_modules=1), TWO_MODULES), ["modules", "phase"]),
        ((replace(ONE_MODULE, modules=0, capacity_parcels=0, cost_fen=50_000), TWO_MODULES), ["modules"]),
        ((ONE_MODULE, replace(TWO_MODULES, by=MIDDLE)), ["phase"]),
        ((TWO_MODULES, replace(ONE_MODULE, by=FIRST)), ["phase", "site-cost"]),
        ((replace(TWO_MODULES, by=FIRST), TWO_MODULES), ["phase"]),
        ((ONE_MODULE,), ["phase"]),
        ((ONE_MODULE, replace(TWO_MODULES, modules=1, capacity_parcels=4)), ["phase"]),
        ((ONE_MODULE, replace(TWO_MODULES, cost_fen=80_000)), ["phase"]),
    ],
)
def test_site_that_grows_otherwise_than_it_may(town, states, rules):
    spoilt = growing(town, *states)
    assert set(rules) <= {rule for rule, _ in found(spoilt)} <= {*rules, "target"}


def test_site_whose_modules_come_together_does_not_grow(town):
    at_once = growing(town).with_rule("facilities", 0, modules_grow=False)
    assert found(at_once) == [("phase", "2018-12-31: 1 + 0, 2020-12-31: 2 + 0")]


def test_existing_site_that_opens(town):
    kept = phased(town, FIRST, **DATES).with_site(existing=True, cost_fen=0).with_target("money", value=0)
    assert found(kept) == [("existing", "not in the table"), ("phase", "2018-12-31")]
