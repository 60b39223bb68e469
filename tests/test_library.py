"""The README's Python examples, run on the town in place of the city they name."""

import re
from pathlib import Path

import pytest
from town import write_town

import lastmile

README = Path(__file__).parent.parent / "README.md"
NAMED = "data/luoyang/scenario.toml"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not BLOCKS, reason="README.md has no Python example yet")
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_example_of_the_readme_runs(number, tmp_path, monkeypatch, capsys):
    block = BLOCKS[number]
    scenario = write_town(tmp_path / "town")
    monkeypatch.chdir(tmp_path)
    assert NAMED in block, "every example stands on its own"
    exec(compile(block.replace(NAMED, str(scenario)), f"README.md, example {number + 1}", "exec"), {})
    assert capsys.readouterr().out


def test_every_public_name_is_there_and_documented():
    for name in lastmile.__all__:
        assert getattr(lastmile, name).__doc__, name
    assert not hasattr(lastmile, "no_such_name")


def test_stages_on_their_own_make_the_plan_that_plan_makes(tmp_path):
    scenario = lastmile.load_scenario(write_town(tmp_path))
    heard = []

    def listen(stage: str, text: str) -> None:
        heard.append(stage)

    city = lastmile.prepare(scenario, on_progress=listen)
    placement = lastmile.place_sites(city, on_progress=listen)
    rounds = lastmile.route_vehicles(city, placement, on_progress=listen)
    plan = lastmile.plan(scenario)
    assert (rounds.sites, rounds.routes, rounds.services) == (plan.sites, plan.routes, plan.services)
    assert list(dict.fromkeys(heard)) == ["map", "demand", "candidates", "siting", "routing"]
    assert lastmile.check(scenario, city.network, city.demand, plan) == ()


def test_plan_is_a_value_that_is_written_and_read(tmp_path):
    planned = lastmile.plan_scenario(lastmile.load_scenario(write_town(tmp_path / "town")))
    assert planned.plan.feasible
    lastmile.write_outputs(planned, tmp_path / "plan")
    assert lastmile.read_plan(tmp_path / "plan") == planned.plan


def test_fault_is_one_exception_with_all_faults(tmp_path):
    with pytest.raises(lastmile.InputError) as caught:
        lastmile.load_scenario(write_town(tmp_path, orders=None, zones=None))
    assert [fault.place for fault in caught.value.faults] == ["zones.geojson", "orders.csv"]
    assert isinstance(caught.value, lastmile.LastmileError)
