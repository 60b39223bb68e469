"""The town of ``town.py`` as the stages see it, with changes to its scenario and orders."""

import pytest
import town

from lastmile.loading import load_scenario
from lastmile.stages.prepare import prepare


def silent(_stage, _text):
    pass


@pytest.fixture
def make_city(tmp_path):
    """Prepare a town: ``make_city({"old text": "new"}, orders=[...rows...])``."""

    def make(scenario=None, orders=None, header="id,lon,lat,parcels,options", **changes):
        if orders is not None:
            changes["orders"] = "\n".join([header, *orders]) + "\n"
        path = town.write_town(tmp_path, scenario=scenario or {}, **changes)
        return prepare(load_scenario(path), on_progress=silent)

    return make


@pytest.fixture
def row():
    """A row of the table of orders: ``row("a", 3, 3.5, 2, "door")``."""

    def write(name, at_row, at_column, *cells):
        return ",".join(map(str, (name, *town.corner(at_row, at_column), *cells)))

    return write
