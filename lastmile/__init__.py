"""Plan last-mile parcel delivery: from an OpenStreetMap file to sites and rounds that a referee checked.

Examples
--------
>>> import lastmile
>>> scenario = lastmile.load_scenario("data/luoyang/scenario.toml")  # doctest: +SKIP
>>> plan = lastmile.plan(scenario)  # doctest: +SKIP
>>> plan.feasible, len(plan.sites), len(plan.routes)  # doctest: +SKIP
(True, 85, 104)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lastmile.errors import Fault, InputError, LastmileError
    from lastmile.geo.access import Profile
    from lastmile.geo.network import RoadNetwork
    from lastmile.joint import JointDelivery, serve_jointly
    from lastmile.loading import Scenario, load_scenario
    from lastmile.output import write_outputs, write_study
    from lastmile.output.plan_files import read_plan
    from lastmile.pipeline import Planned, plan, plan_scenario
    from lastmile.plans import Plan
    from lastmile.referee import check
    from lastmile.stages.frontier import find_frontier
    from lastmile.stages.prepare import City, prepare
    from lastmile.stages.routing import route_vehicles
    from lastmile.stages.siting import place_sites
    from lastmile.traces.reading import read_recordings
    from lastmile.traces.study import study_traces

    __version__: str

_WHERE = {
    "City": "lastmile.stages.prepare",
    "Fault": "lastmile.errors",
    "InputError": "lastmile.errors",
    "JointDelivery": "lastmile.joint",
    "LastmileError": "lastmile.errors",
    "Plan": "lastmile.plans",
    "Planned": "lastmile.pipeline",
    "Profile": "lastmile.geo.access",
    "RoadNetwork": "lastmile.geo.network",
    "Scenario": "lastmile.loading",
    "check": "lastmile.referee",
    "find_frontier": "lastmile.stages.frontier",
    "load_scenario": "lastmile.loading",
    "place_sites": "lastmile.stages.siting",
    "plan": "lastmile.pipeline",
    "plan_scenario": "lastmile.pipeline",
    "prepare": "lastmile.stages.prepare",
    "read_plan": "lastmile.output.plan_files",
    "read_recordings": "lastmile.traces.reading",
    "route_vehicles": "lastmile.stages.routing",
    "serve_jointly": "lastmile.joint",
    "study_traces": "lastmile.traces.study",
    "write_outputs": "lastmile.output",
    "write_study": "lastmile.output",
}

__all__ = [
    "City",
    "Fault",
    "InputError",
    "JointDelivery",
    "LastmileError",
    "Plan",
    "Planned",
    "Profile",
    "RoadNetwork",
    "Scenario",
    "check",
    "find_frontier",
    "load_scenario",
    "place_sites",
    "plan",
    "plan_scenario",
    "prepare",
    "read_plan",
    "read_recordings",
    "route_vehicles",
    "serve_jointly",
    "study_traces",
    "write_outputs",
    "write_study",
]


def __getattr__(name: str) -> Any:
    # Names are looked up on first use, so that importing one of them does not load every dependency.
    if name == "__version__":
        from importlib.metadata import version

        return version("lastmile")
    if name not in _WHERE:
        raise AttributeError(f"module 'lastmile' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
