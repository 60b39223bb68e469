import dataclasses
import re

import browser
import plan_fixture as city
import pytest

from lastmile.indicators import measure
from lastmile.output.report import obstacles, render_report, target_bars, working_day


def report(plan=None, scenario=None):
    plan = plan or city.plan()
    scenario = scenario or city.scenario()
    walks = city.walks() if plan.sites else city.no_walks()
    return render_report(plan, measure(scenario, plan, city.demand(), walks), scenario)


@pytest.fixture(scope="module")
def page():
    return report()


def good_plan():
    plan = city.plan()
    return dataclasses.replace(plan, violations=(), unserved=(), targets=plan.targets[:1])


def test_report_says_why_a_plan_is_not_feasible(page):
    assert "Not feasible / 不可行" in page
    for text in ("1 broken rule / 1 处违规", "1 unserved order / 1 个订单未配送", "1 missed target: t2"):
        assert text in page


def test_feasible_plan_is_called_so():
    assert good_plan().feasible
    page = report(good_plan())
    assert "Feasible / 可行" in page
    assert "Not feasible" not in page
    assert "No broken rule" in page
    assert "every order is served" in page


def test_unchecked_plan_is_not_called_feasible():
    plan = dataclasses.replace(good_plan(), checked=False)
    assert obstacles(plan) == [("the referee has not looked at it", "尚未校核")]
    assert "Not feasible" in report(plan)


def test_targets_stand_with_source_and_outcome(page):
    for text in ("Plan 2016, 3.1", "≥ 30 %", "✓", "✗", "candidates bind"):
        assert text in page


def test_table_of_clauses_tells_what_indicators_do():
    made = city.plan()
    first, second = made.targets
    first = dataclasses.replace(first, most=0.9, possible="90.0%", bound=0.4, at_most="40.0%")
    second = dataclasses.replace(second, most=20.0, possible="20 sites", at_most="not computed: time")
    made = dataclasses.replace(made, targets=(first, second))
    kpi = measure(city.scenario(), made, city.demand(), city.walks())["targets"]
    told = [(one["most_alone"], one["most_beside_others"], one["gap"]) for one in kpi["clauses"]]
    # 0.3 of 0.4 at most beside the others; 1 of 20 alone.
    assert told == [(0.9, 0.4, pytest.approx(0.25)), (20.0, None, pytest.approx(0.95))]
    cells = [re.findall(r'<td class="n">(.*?)</td>', line) for line in report(made).splitlines()]
    assert ["90.0%", "40.0%", "25.0%"] in cells
    assert ["20 sites", "not computed: time", "95.0%"] in cells
    # Of 8,000 yuan 6,000 would do.
    money = dataclasses.replace(
        second, measure="budget", value=8000.0, most=None, possible="", bound=6000.0, at_most="at least 6,000 yuan"
    )
    made = dataclasses.replace(made, targets=(first, money))
    clause = measure(city.scenario(), made, city.demand(), city.walks())["targets"]["clauses"][1]
    assert (clause["most_beside_others"], clause["least_yuan_beside_others"], clause["gap"]) == (None, 6000.0, 0.25)
    cells = [re.findall(r'<td class="n">(.*?)</td>', line) for line in report(made).splitlines()]
    assert ["–", "at least 6,000 yuan", "25.0%"] in cells
    assert dataclasses.replace(money, bound=None).gap is None
    assert dataclasses.replace(money, value=0.0, bound=0.0).gap is None


def test_target_bars_are_what_was_reached_of_what_is_required():
    bars = target_bars(city.plan().targets, city.scenario().file)
    # 0.3 of 0.3, and 1 locker of 10.
    assert [bar.share for bar in bars] == [pytest.approx(1.0), pytest.approx(0.1)]


@pytest.mark.parametrize(
    "text",
    [
        "At most 1.64 % from the best possible",
        "van: battery",
        "one more permit",
        "Speed table is assumed.",
        "made up, not a real map / 虚构城市",
        "© OpenStreetMap contributors",
        "sha256 " + "0" * 64,
        "route van-1, stop 3",
        "¥300,000",
        "West",
    ],
)
def test_report_contains(page, text):
    assert text in page


def test_exact_choice_of_sites_is_called_best():
    plan = city.plan()
    assert plan.siting is not None
    page = report(dataclasses.replace(plan, siting=dataclasses.replace(plan.siting, gap=0.0)))
    assert "Proven to be the best possible" in page


def test_text_stays_text(page):
    assert city.XSS not in page
    assert "10 lockers &lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_report_loads_nothing_and_runs_nothing(page):
    assert browser.loaded_from_outside(page) == []
    assert "<script" not in page


def test_empty_plan_has_a_report():
    plan = dataclasses.replace(
        city.plan(), sites=(), services=(), routes=(), fleet=(), unserved=(), siting=None, targets=(), warnings=()
    )
    assert "The scenario states no targets." in report(plan)


def test_working_day_splits_time_into_driving_service_and_waiting():
    start, end, rows = working_day(city.plan().routes)
    assert (start, end) == (8 * 3600, 9 * 3600)
    assert [row.vehicle_id for row in rows] == ["van-1", "truck-1"]
    # The truck drives 0-300 s, unloads to 600 s, drives to 900 s: in thousandths of the hour 83.3, 166.7, 250.
    assert rows[1].driving == "M0 0H83.3M166.7 0H250"
    assert rows[1].serving == "M83.3 0H166.7"
    assert rows[1].waiting == ""
    # The van waits at its third stop from 900 s to 1,200 s.
    assert rows[0].waiting == "M250 0H333.3"


def test_working_day_with_a_reload_and_a_charge():
    start, end, rows = working_day(city.plan_with_halts().routes)
    assert (start, end) == (8 * 3600, 9 * 3600)
    (truck,) = [row for row in rows if row.vehicle_id == "truck-1"]
    # 600 s at the door and its way of 300 s there and back; the pauses of 300 s ahead of the reload and of 100 s behind
    # it are no work; charging from 30 to 40 min.
    assert truck.charging == "M500 0H666.7"
    assert truck.serving == "M83.3 0H166.7M333.3 0H416.7"
    assert truck.waiting == ""
    assert truck.text == f"{(2700 - 400) / 3600:.1f} h"


def test_phases_stand_with_their_clauses(page):
    assert "Phases" not in page
    assert "Opens by" not in page
    phased = report(city.phased_plan(), city.phased_scenario())
    table = phased.split("Phases <small>")[1].split("Use of each site")[0]
    rows = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr>.*?</tr>", table)]
    first, last = (next(row for row in rows if f"|{day}|" in row) for day in ("2018-12-31", "2020-12-31"))
    for text in (
        "|2|",
        "outlet 1, Community stations 1",
        "|100||100|",  # parcels and capacity
        "|¥5,000|",
        "|30.0%|",
        "|0.20 %|",
        "|t1 by 2018-12-31: short by 0.2|",
    ):
        assert text in first, first
    for text in ("|3|", "|¥7,000|", "|1.64 %|"):
        assert text in last, last
    (clause,) = (row for row in rows if "|t1|" in row)
    assert "|2018-12-31|" in clause
    assert "✓" in clause
    assert any("|2020-12-31|" in row and "|t2|" in row and "✗" in row for row in rows)
    assert phased.split("List of sites")[1].count("<td>2018-12-31</td>") == 1


@pytest.mark.browser
@browser.needs_browser
def test_report_opens_without_a_complaint(page, tmp_path):
    opened = browser.open_page(page, tmp_path)
    assert opened.console == []
    assert opened.dom.count("<svg") >= 6
    assert "Gini" in opened.dom


def test_parcels_expected_on_foot_are_told_where_shares_are_stated(page):
    words = "expected to be fetched on foot"
    assert words not in page
    sites = tuple(dataclasses.replace(site, expected_parcels=7.0) for site in city.plan().sites)
    assert words in report(dataclasses.replace(city.plan(), sites=sites))
