"""A study of traces in the hand-made city: the van follows its plan, the truck drives through the closed zone."""

import plan_fixture as city
from driving import follow

from lastmile.geo.network import RoadNetwork
from lastmile.traces.journeys import profiles_of
from lastmile.traces.reading import Recorded, Recordings
from lastmile.traces.study import TraceStudy, evaluate_traces


def study(network: RoadNetwork | None = None, *, with_plan: bool = True) -> TraceStudy:
    """The van's and the truck's traces of the day; the truck's as that of a vehicle without a permit."""
    network = network or city.grid_network()
    plan = city.plan(network)
    van, truck = plan.routes
    recordings = Recordings(
        vehicles=(
            Recorded(vehicle_id="van-1", vehicle_type="van", trace=follow(network, van, every_s=5.0)),
            Recorded(vehicle_id=city.XSS, vehicle_type="truck", trace=follow(network, truck, every_s=5.0, noise_m=4.0)),
        ),
        warnings=("traces.csv: a word",),
    )
    scenario = city.scenario()
    compared = plan if with_plan else None
    return evaluate_traces(
        scenario,
        recordings,
        profiles_of(recordings, scenario.file, plan=compared),
        network,
        tuple(city.features()),
        crs="wgs84",
        plan=compared,
    )
