"""Plans on real maps, end to end: read from the folder of LASTMILE_DATA."""

import json
import shutil
from pathlib import Path

import pytest

import lastmile
from lastmile.output import write_outputs

REAL = Path(__file__).parent / "data" / "real"


# A short search makes a plan whose every claim is the same; the long one is the scenario's own.
searches = pytest.mark.parametrize("iterations", [50, pytest.param(500, marks=pytest.mark.slow)])


def scenario_on(folder: Path, name: str, map_file: Path, iterations: int) -> Path:
    for source in REAL.iterdir():
        shutil.copy(source, folder)
    path = folder / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    stated = "routing_iterations = 500"
    assert stated in text
    text = text.replace("@MAP@", str(map_file)).replace(stated, f"routing_iterations = {iterations}")
    path.write_text(text, encoding="utf-8")
    return path


@searches
def test_chengdu_with_buildings_land_use_and_shops(tmp_path, data_folder, iterations):
    path = scenario_on(tmp_path, "chengdu", data_folder / "osm" / "chengdu.osm", iterations)
    planned = lastmile.plan_scenario(lastmile.load_scenario(path))
    plan = planned.plan
    assert plan.violations == ()
    assert plan.feasible, [(target.id, target.reached) for target in plan.targets] + [plan.unserved]
    assert {site.facility for site in plan.sites} == {"outlet", "locker", "station"}
    assert not plan.manifest.synthetic_map
    write_outputs(planned, tmp_path / "out")
    routes = json.loads((tmp_path / "out" / "routes.geojson").read_text(encoding="utf-8"))
    assert len(routes["features"]) == len(plan.routes)
    assert "Synthetic" not in (tmp_path / "out" / "map.html").read_text(encoding="utf-8")


@searches
def test_porto_alegre_with_roads_only(tmp_path, data_folder, iterations):
    path = scenario_on(tmp_path, "porto-alegre", data_folder / "osm" / "porto-alegre.osm.pbf", iterations)
    plan = lastmile.plan(lastmile.load_scenario(path))
    assert plan.violations == ()
    assert plan.feasible, plan.unserved
    assert {route.base_id for route in plan.routes} == {"norte", "sul"}
    assert any("street junctions" in warning for warning in plan.warnings)


@pytest.mark.parametrize(("city", "projected"), [("luoyang", "EPSG:4546"), ("zhengzhou", "EPSG:4547")])
def test_districts_of_henan_load(city, projected, tmp_path, data_folder):
    from lastmile.tables import read_table
    from lastmile.tables.schemas import DISTRICTS

    table = read_table(data_folder / "henan" / f"{city}_districts_wgs84.geojson", DISTRICTS, crs="wgs84")
    assert table.faults == ()
    area_km2 = table.frame.to_crs(projected).area.sum() / 1e6
    # Luoyang has 15,236 km2 and Zhengzhou 7,446 km2.
    assert area_km2 == pytest.approx({"luoyang": 15_236, "zhengzhou": 7_446}[city], rel=0.03)
