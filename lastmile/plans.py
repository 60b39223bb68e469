"""The plan: what the stages decided, in values that files, maps, reports and the referee read.

Nothing here computes. Times are seconds after the planned day's midnight, distances metres, money fen, energy
watt-hours, places (lon, lat) in WGS-84.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from lastmile.errors import InputError

FORMAT = "lastmile-plan/1"

Channel = Literal["door", "locker", "station"]
StopKind = Literal["base", "door", "site", "charge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What of a site stands by a date: modules, parcels a day that they take, fen spent on it since the beginning."""

    by: date
    modules: int
    chilled_modules: int
    capacity_parcels: int
    chilled_capacity_parcels: int
    cost_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One opened (or kept) site.

    Parameters
    ----------
    id
        ``<facility>:<candidate>``; unique in the plan and the name by which stops and services refer to it.
    facility
        Id of the facility in the scenario.
    modules
        Locker groups or counters installed; where they come in several phases, those of the last, as all else here.
    capacity_parcels, load_parcels
        Parcels a day it can take, and does take in this plan.
    opens_by
        The phase in which it opens; None for existing sites, and where the scenario has no phases.
    built
        Where modules come in several phases, each of these in the order of time, the opening and the last among them.
    expected_parcels
        Of its load, what would be fetched by those who walk so far (the facility's ``walk_shares``), on average; None
        where the facility states no shares: all.
    chilled_modules, chilled_capacity_parcels, chilled_load_parcels
        Refrigerated modules beside the others; of the parcels, those that lie, or may lie, in them.
    compartments, parcels_by_size
        Of a facility with compartments: those of all modules by size, and the other parcels by the size they need.
    """

    id: str
    candidate_id: str
    facility: str
    kind: str
    name: str
    host: str
    district: str
    lon: float
    lat: float
    existing: bool
    modules: int
    capacity_parcels: int
    load_parcels: int
    cost_fen: int
    opens_by: date | None = None
    built: tuple[Built, ...] = ()
    expected_parcels: float | None = None
    chilled_modules: int = 0
    chilled_capacity_parcels: int = 0
    chilled_load_parcels: int = 0
    compartments: dict[str, int] = field(default_factory=dict)
    parcels_by_size: dict[str, int] = field(default_factory=dict)

    @property
    def fetched_parcels(self) -> float:
        """Parcels that are expected to be fetched on foot: all of the load where no shares are stated."""
        return self.load_parcels if self.expected_parcels is None else self.expected_parcels


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How one order is served: by which channel, at which site, by which route (where it is carried at all)."""

    order_id: str
    channel: Channel
    site_id: str | None
    parcels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A visit of a vehicle: arrival, start and end of service, and what is handed over.

    ``location_id`` is an order's id at a door, a site's id at a site, a depot's or dispatching site's id at a base,
    a charger's where the vehicle charges ``charged_wh`` on its way. ``parcels`` are delivered here, ``pickups`` are
    taken along. ``snap_m`` is the way on foot between road and place.
    """

    kind: StopKind
    location_id: str
    name: str
    lon: float
    lat: float
    arrive_s: int
    start_s: int
    depart_s: int
    parcels: int
    pickups: int
    weight_g: int
    volume_cm3: int
    snap_m: float
    charged_wh: int = 0

    @property
    def is_visit(self) -> bool:
        """Whether something is handed over: at a door or a site."""
        return self.kind in ("door", "site")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The drive from one stop to the next along the network's directed edges.

    ``edges`` are indices of the network named by the plan's ``network_hash``; the first is entered at
    ``start_fraction`` of its length, the last left at ``end_fraction``. An empty tuple means that both stops share one
    position. ``depart_s`` may be later than the stop's end of service where the vehicle waits for a rule to end.
    """

    edges: tuple[int, ...]
    start_fraction: float
    end_fraction: float
    depart_s: int
    arrive_s: int
    distance_m: float
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One vehicle's round: its stops from base to base, one leg fewer than stops.

    A stop at the base between the first and the last ends a trip: there the vehicle reloads from the start to the end
    of the stop, and leaves when its next leg does.
    """

    vehicle_id: str
    vehicle_type: str
    vehicle_class: str
    energy: str
    base_id: str
    permits: tuple[str, ...]
    stops: tuple[Stop, ...]
    legs: tuple[Leg, ...]
    cost_fen: int

    @property
    def distance_m(self) -> float:
        """Metres driven."""
        return sum(leg.distance_m for leg in self.legs)

    @property
    def duration_s(self) -> int:
        """Seconds at work: from leaving the base to the last return, without pauses at the base between trips."""
        if not self.stops:
            return 0
        away = self.stops[-1].arrive_s - self.stops[0].depart_s
        between = list(zip(self.stops, self.legs, strict=False))[1:]
        return away - sum(
            stop.start_s - stop.arrive_s + leg.depart_s - stop.depart_s for stop, leg in between if stop.kind == "base"
        )

    @property
    def trips(self) -> int:
        """How often the vehicle leaves its base."""
        return sum(stop.kind == "base" for stop in self.stops[:-1])

    @property
    def parcels(self) -> int:
        """Parcels delivered."""
        return sum(stop.parcels for stop in self.stops)

    @property
    def energy_wh(self) -> int:
        """Traction energy used; 0 for vehicles that burn fuel."""
        return sum(leg.energy_wh for leg in self.legs)

    @property
    def charged_wh(self) -> int:
        """Energy taken from chargers on the way."""
        return sum(stop.charged_wh for stop in self.stops)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEntry:
    """Vehicles of one type: driven in the plan, and bought beyond that to meet the fleet's targets."""

    vehicle_type: str
    vehicle_class: str
    energy: str
    new: bool
    marked: bool
    driven: int
    reserve: int
    available: int | None
    permits: dict[str, int]
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """An order left out, with the constraint that blocks each vehicle type and the cheapest single way out."""

    order_id: str
    channel: Channel
    parcels: int
    lon: float
    lat: float
    reasons: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """One clause of the plan against what was reached.

    ``required``, ``reached``, ``possible`` and ``at_most`` are for reading; ``note`` says what binds where the clause
    is missed.

    Parameters
    ----------
    value
        What was reached, in the unit of the target's own number.
    most, possible
        No plan, and of clauses of vehicles no fleet, reaches more, were there no other clause and no budget; None and
        empty where nothing limits it.
    bound, at_most
        No plan reaches more, or in a clause of a budget spends less, that keeps all other clauses of sites, or misses
        them by no more than this one does; proven, be it by a relaxation. None where there is no such bound:
        ``at_most`` says so where time was too short for it, and is empty for clauses of fleets.
    """

    id: str
    measure: str
    text: str
    citation: str
    required: str
    reached: str
    value: float
    met: bool
    note: str = ""
    possible: str = ""
    most: float | None = None
    at_most: str = ""
    bound: float | None = None

    @property
    def gap(self) -> float | None:
        """By what share of the lowest limit that is known (``bound``, else ``most``) the plan stays below it.

        Of money, the share of what is spent that is above the limit.
        """
        if self.measure == "budget":
            return None if self.bound is None or not self.value else max(0.0, 1.0 - self.bound / self.value)
        limit = self.most if self.bound is None else self.bound
        return None if not limit else max(0.0, 1.0 - self.value / limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingSummary:
    """What siting proved: value a day and its upper bound, relative gap, why it stopped, which rules fall short.

    The value is what parcels served at sites (and attracted to dispatching ones) are worth less what the sites cost.
    ``relaxations`` tell which rule alone would have to give way, and how far, for all others to be met.
    """

    value_fen: int
    bound_fen: int
    gap: float
    stopped: str
    shortfalls: tuple[str, ...] = ()
    relaxations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What siting proved of the sites that are open by a date: of the last phase as of the whole plan.

    The bound and gap of an earlier phase are to the best part of the network of the phase after it.

    Parameters
    ----------
    demand_factor
        Parcels a day then, as a multiple of the planned day's; None where the scenario says nothing of it: as many.
    """

    by: date
    siting: SitingSummary
    demand_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that the plan breaks, found by the referee."""

    rule: str
    place: str
    amount: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.place}: {self.detail} ({self.amount})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Where the plan comes from: inputs by hash, seed, versions, and whether the map is a made-up city."""

    scenario_name: str
    title: str
    day: str
    seed: int
    version: str
    inputs: dict[str, str]
    network_hash: str
    synthetic_map: bool
    attribution: str = "Map data © OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that was decided.

    ``phases`` are in the order of time, the last one's ``siting`` is the plan's; there are none where the scenario's
    targets of sites do not have several dates. ``violations`` is what the referee found; ``checked`` is False until it
    has looked. ``warnings`` are things the user should know and cannot be silent: assumptions, dropped map parts,
    features this version does not use.
    """

    manifest: Manifest
    sites: tuple[Site, ...]
    services: tuple[Service, ...]
    routes: tuple[Route, ...]
    fleet: tuple[FleetEntry, ...]
    unserved: tuple[Unserved, ...]
    siting: SitingSummary | None
    phases: tuple[Phase, ...] = ()
    targets: tuple[TargetResult, ...] = ()
    warnings: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    checked: bool = False
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """True when the referee looked and found nothing, every order is served and every target is met."""
        return self.checked and not self.violations and not self.unserved and all(t.met for t in self.targets)


def require_network(made: Plan, network_hash: str) -> None:
    """Raise InputError unless a plan that was read from its file was made on this road network."""
    if made.manifest.network_hash != network_hash:
        raise InputError.single(
            place="plan.json",
            cause=f"the plan was made on another road network ({made.manifest.network_hash}, not {network_hash})",
            remedy="use the scenario and map it was made with, or plan again",
        )
