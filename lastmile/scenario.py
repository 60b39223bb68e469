"""What the user writes: one TOML file, every key of it defined here.

The models are frozen and strict: a number in quotes, an unknown key or a negative count is a fault, reported with its
path in the file. Reading a scenario with its tables is :func:`lastmile.loading.load_scenario`.
"""

from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lastmile.units import HOURS_PATTERN, parse_hours


def _valid_hours(text: str) -> str:
    parse_hours(text)
    return text


Hours = Annotated[
    str,
    AfterValidator(_valid_hours),
    Field(json_schema_extra={"pattern": HOURS_PATTERN}, description="HH:MM-HH:MM; may run across midnight"),
]
Crs = Annotated[str, Field(description="wgs84, gcj02, bd09, cgcs2000 or EPSG:n")]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Identifier = Annotated[str, Field(min_length=1, max_length=80)]

VehicleClass = Literal["e_trike", "e_van", "truck_light", "truck_medium"]
Energy = Literal["electric", "diesel", "petrol", "gas"]
Channel = Literal["door", "locker", "station"]
RoadFilter = Literal["all", "surface", "elevated", "expressway", "ramp"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
FacilityKind = Literal[
    "community_station",
    "village_station",
    "campus_station",
    "outlet",
    "locker",
    "pickup_store",
    "charging",
    "swap",
    "distribution_centre",
]
HostKind = Literal[
    "residential", "village", "town", "university", "school", "hospital", "office", "shop", "post_office", "industrial",
    "commercial", "table",
]  # fmt: skip
ParcelSize = Literal["S", "M", "L", "XL"]
SIZES: Final[tuple[ParcelSize, ...]] = get_args(
    ParcelSize
)  # ascending: a parcel fits its own compartment and larger ones
CHILLED: Final = (
    "cold"  # the skill that a chilled order needs of its vehicles; at a site it needs a refrigerated module
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TableFile(_Model):
    """A table beside the scenario file."""

    file: str = Field(description="path from the scenario's folder: CSV, XLSX, GeoJSON, GeoPackage or Shapefile")
    crs: Crs | None = Field(None, description="the coordinates' system; must be declared for any table with places")
    layer: str | None = Field(None, description="layer of a GeoPackage or sheet of a workbook")


class MapSource(_Model):
    """Where the streets come from: an OpenStreetMap file, or a place name that is asked from the network."""

    osm: str | None = Field(None, description="path of an .osm.pbf, .osm, .osm.gz or .osm.bz2 file")
    place: str | None = Field(None, description="a place for osmnx to download; the only use of the network")
    ferries: bool = Field(False, description="also use ferries")
    turn_restrictions: bool = Field(True, description="obey the map's turn restrictions")
    cache: bool = Field(True, description="keep the prepared network in a file beside the map")
    elevation: str | None = Field(
        None,
        description="path of a GeoTIFF of heights in metres; used by `battery.physics`, needs the extra `elevation`",
    )
    drive_on: Literal["right", "left"] = "right"
    kerbside: tuple[str, ...] = Field(
        (), description="two-way roads of these classes (highway values) are stopped on only on the place's own side"
    )
    visit_snap_m: Amount = Field(
        250.0,
        description="way from the road that a visit's time contains, as stop times are measured with their walks into "
        "blocks of 500 m; what is more is walked there and back",
    )
    max_snap_m: Positive = Field(500.0, description="a depot, site or stop further from any permitted road is a fault")

    @model_validator(mode="after")
    def _one_source(self) -> "MapSource":
        if (self.osm is None) == (self.place is None):
            raise ValueError("give exactly one of 'osm' (a file) and 'place' (a download)")
        return self


class Speeds(_Model):
    """Hours of peak and night traffic, and speeds that replace the built-in table's."""

    peak: tuple[Hours, ...] = ("07:00-09:00", "17:00-19:30")
    night: tuple[Hours, ...] = ("22:00-06:00",)
    kmh: dict[str, tuple[Positive, Positive, Positive]] = Field(
        default_factory=dict, description="highway value -> [free, peak, night] moving speed of a car, km/h"
    )
    walk_kmh: Positive = 4.5
    measured: TableFile | None = Field(None, description="measured speeds of single roads; needs no crs")
    signal_s: Amount = Field(2.0, description="delay at traffic signals beyond what class speeds contain [est.]")
    left_turn_s: Amount = Field(5.0, description="delay of a left turn where signals or restrictions are [est.]")
    right_turn_s: Amount = Field(2.0, description="the same of a right turn [est.]")
    u_turn_s: Amount = Field(20.0, description="the same of a u-turn [est.]")
    calming_s: Amount = Field(3.0, description="delay at a hump or another slowing device [est.]")


class VehicleFilter(_Model):
    """Which vehicles a rule speaks of; every stated property must hold, an empty filter means all."""

    vehicle_class: tuple[VehicleClass, ...] | None = None
    energy: tuple[Energy, ...] | None = None
    marked: bool | None = Field(None, description="carries the city's uniform marking for express vehicles")
    emission_stage_max: Annotated[int, Field(ge=0, le=7)] | None = Field(
        None, description="National emission stage up to which the rule applies; electric vehicles have none"
    )
    gross_weight_over_t: Amount | None = None
    length_over_m: Amount | None = None
    width_over_m: Amount | None = None
    height_over_m: Amount | None = None
    plate_digits: tuple[Annotated[int, Field(ge=0, le=9)], ...] | None = None


class Calendar(_Model):
    """When a rule is in force; every stated part must hold, an empty calendar means always."""

    hours: tuple[Hours, ...] = ("00:00-24:00",)
    weekdays: tuple[Weekday, ...] | None = None
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] | None = None
    holidays: Literal["included", "excluded", "only"] = "included"
    alert_level: Literal["yellow", "orange", "red"] | None = Field(None, description="only at this alert or a higher")


class Zone(_Model):
    """One traffic rule: where, on which roads, for whom, when, with what effect."""

    id: Identifier
    name: str = ""
    polygon: str = Field(description="zone_id of a polygon in the table 'zones_file'")
    boundary: Literal["included", "excluded"] = Field("excluded", description="are the roads on the polygon's edge in?")
    boundary_tolerance_m: Amount = Field(30.0, description="roads nearer than this to the edge count as on it")
    roads: tuple[RoadFilter, ...] = ("all",)
    vehicles: VehicleFilter = VehicleFilter()
    except_vehicles: tuple[VehicleFilter, ...] = ()
    when: Calendar = Calendar()
    effect: Literal["ban", "permit"] = Field("ban", description="'permit': closed to who holds none of the permits")
    standing_banned: bool = Field(False, description="the rule bans standing as well as driving")
    valid_from: date | None = None
    valid_to: date | None = None
    citation: str = Field("", description="the regulation, with its date")


class Permit(_Model):
    """A scarce right to enter zones; which vehicles get it is the plan's decision."""

    id: Identifier
    name: str = ""
    zones: tuple[str, ...] = Field(description="zones whose rule no longer holds for the holder")
    quota: Count
    eligible: VehicleFilter = VehicleFilter()
    hours: tuple[Hours, ...] = ("00:00-24:00",)
    yuan_per_day: Amount = 0.0
    citation: str = ""


class Physics(_Model):
    """What a vehicle's consumption follows from: its mass, its resistances, and what it gets back."""

    curb_kg: Annotated[float, Field(gt=0, le=50_000)] = Field(description="mass of the empty vehicle with its driver")
    drag_area_m2: Annotated[float, Field(ge=0, le=50)] = Field(
        description="drag coefficient times frontal area: a light truck has 0.7 * 3.9 m2 (Bektas & Laporte 2011)"
    )
    rolling_resistance: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.01, description="coefficient of rolling resistance (Bektas & Laporte 2011)"
    )
    drivetrain_efficiency: Annotated[float, Field(gt=0.05, le=1)] = Field(
        0.76,
        description="share of the battery's energy that reaches the wheels: 1 / (1.18 * 1.11), motor and battery of "
        "Goeke & Schneider 2015",
    )
    regeneration: Share = Field(
        0.0, description="share of the energy of braking and descending that comes back to the battery"
    )
    auxiliary_w: Annotated[float, Field(ge=0, le=50_000)] = Field(
        description="power of everything else (lights, cooling, heating) while under way"
    )


class Battery(_Model):
    """Traction battery, what is taken from it and how it is filled."""

    usable_kwh: Positive
    reserve_kwh: Amount = 0.0
    kwh_per_km: Positive = Field(description="consumption of the empty vehicle; not used with 'physics'")
    kwh_per_ton_km: Amount = Field(0.0, description="what every ton aboard adds; not used with 'physics'")
    physics: Physics | None = Field(
        None, description="consumption by mass, speed, stops and slope instead of by distance"
    )
    charging: tuple[tuple[Share, Positive], ...] = Field(
        (),
        description="charging power by share of usable_kwh that is there, piecewise constant: [[from share, kW], ...], "
        "shares ascending from 0. A vehicle that states it charges on its way, at the table `chargers`",
    )
    swap_minutes: Positive | None = Field(
        None,
        description="the battery is swapped for a full one whenever the vehicle reloads, which takes so much longer; "
        "without, it is filled overnight and lasts for all trips of the day",
    )

    @model_validator(mode="after")
    def _shares_ascend(self) -> "Battery":
        shares = [share for share, _ in self.charging]
        if shares and (shares[0] != 0 or shares[-1] >= 1 or any(a >= b for a, b in pairwise(shares))):
            raise ValueError(f"the shares of charging must ascend from 0 and stay below 1, they are {shares}")
        return self

    @model_validator(mode="after")
    def _reserve_fits(self) -> "Battery":
        if self.reserve_kwh >= self.usable_kwh:
            raise ValueError(f"reserve_kwh {self.reserve_kwh} must be below usable_kwh {self.usable_kwh}")
        return self


class Break(_Model):
    """A rest that a driver must take within a window."""

    minutes: Positive
    window: Hours


class VehicleType(_Model):
    """A kind of vehicle, how many there may be, what it carries, costs and may do."""

    id: Identifier
    name: str = ""
    vehicle_class: VehicleClass
    energy: Energy = "electric"
    count: Count | None = Field(None, description="how many there are at most; unlimited where absent")
    based_at: tuple[str, ...] = Field(description="ids of depots, or ids of facilities that dispatch door rounds")
    new: bool = Field(False, description="counts as newly bought or renewed")
    marked: bool = False
    shift: Hours = "08:00-18:00"
    max_work_hours: Positive | None = Field(
        None, description="in a day, out and reloading; pauses at the base between trips are no work, and cost nothing"
    )
    max_distance_km: Positive | None = Field(None, description="in a day")
    max_stops: Annotated[int, Field(gt=0)] | None = Field(None, description="doors and sites in a day")
    parcels: Positive | None = None
    payload_kg: Positive | None = None
    volume_m3: Positive | None = None
    yuan_per_day: Amount = 0.0
    yuan_per_km: Amount = 0.0
    yuan_per_hour: Amount = 0.0
    yuan_per_kwh: Amount = 0.0
    price_yuan: Amount = Field(0.0, description="purchase price, for the fleet's budget")
    battery: Battery | None = None
    fuel_l_per_100km: Amount = 0.0
    trips_per_day: Annotated[int, Field(gt=0)] = Field(
        1,
        description="how often it may leave its base with a new load. Where hours, kilometres, stops or a battery that "
        "is not swapped limit the day, each of k trips is planned with a k-th of them",
    )
    reload_minutes: Amount = Field(0.0, description="time at the base between two trips")
    breaks: Annotated[tuple[Break, ...], Field(max_length=6)] = Field((), description="at most six")
    skills: tuple[str, ...] = Field((), description="what orders may need; `cold` keeps chilled parcels")
    emission_stage: Annotated[int, Field(ge=0, le=7)] | None = None
    gross_weight_t: Positive | None = None
    length_m: Positive | None = None
    width_m: Positive | None = None
    height_m: Positive | None = None
    plate_digit: Annotated[int, Field(ge=0, le=9)] | None = None

    @model_validator(mode="after")
    def _battery_fits_energy(self) -> "VehicleType":
        if self.vehicle_class in ("e_trike", "e_van") and self.energy != "electric":
            raise ValueError(f"vehicle_class {self.vehicle_class} is electric, energy says {self.energy}")
        if (self.energy == "electric") != (self.battery is not None):
            raise ValueError("an electric vehicle needs a [battery], any other must not have one")
        if self.parcels is None and self.payload_kg is None and self.volume_m3 is None:
            raise ValueError("give at least one capacity: parcels, payload_kg or volume_m3")
        return self

    @property
    def charges_on_its_way(self) -> bool:
        """Whether its battery states how it is charged at the table of chargers."""
        return self.battery is not None and bool(self.battery.charging)


class Depot(_Model):
    """Where rounds to the sites start, and rounds to doors where no facility dispatches them."""

    id: Identifier
    name: str = ""
    lon: Longitude
    lat: Latitude
    crs: Crs = Field(description="the coordinates' system; never assumed")
    hours: Hours = "00:00-24:00"
    docks: Annotated[int, Field(gt=0)] | None = None


class Facility(_Model):
    """A kind of site that siting may open."""

    id: Identifier
    kind: FacilityKind
    name: str = ""
    channel: Literal["locker", "station"] | None = Field(
        None, description="the parcels it takes; absent for outlets, which only dispatch"
    )
    dispatches: bool = Field(False, description="rounds to doors start here")
    reach_m: Positive = Field(500.0, description="how far receivers walk, over the walking network")
    walk_shares: tuple[tuple[Amount, Share], ...] = Field(
        (),
        description="of the receivers so many metres away on foot, the share that would use it: "
        "[[metres, share], ...], linear between, the first up to its metres, none beyond the last or reach_m; all of "
        "them within reach_m where absent",
    )
    parcels_per_module: Positive = Field(description="parcels a day that one module (locker group, counter) takes")
    modules_max: Annotated[int, Field(gt=0)] = 1
    modules_grow: bool = Field(
        False,
        description="where targets make phases, modules (refrigerated ones too) may come in several of them; otherwise "
        "a site opens with all",
    )
    compartments: dict[ParcelSize, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default_factory=dict,
        description="compartments of one module by size, a limit beside parcels_per_module; a larger one may hold a "
        "smaller parcel. Without them any parcel fits",
    )
    turnover_per_day: Annotated[float, Field(gt=0, le=1_000)] = Field(
        1.0, description="parcels a day that a compartment takes; Hive Box 0.746 in January to May 2024"
    )
    chilled_modules_max: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="refrigerated modules that a site may have beside at least one other; chilled parcels need them"
    )
    parcels_per_chilled_module: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="chilled parcels a day, of any size, that a refrigerated module takes"
    )
    inconvenience_yuan: Amount = Field(
        0.0,
        description="what fetching a parcel there costs its receiver, against the door: siting takes it off "
        "`economics.parcel_yuan`, down to 0",
    )
    yuan_open: Amount = 0.0
    yuan_per_module: Amount = 0.0
    yuan_per_chilled_module: Amount = 0.0
    yuan_per_day: Amount = 0.0
    yuan_per_chilled_module_day: Amount = Field(
        0.0, description="running a refrigerated module; a cooler takes 3.5-6.5 kWh a day"
    )
    host_discount: dict[HostKind, Share] = Field(
        default_factory=dict, description="share of yuan_open that is saved at such a host"
    )
    budget: str = Field("", description="the budget category that pays for it")
    hosts: tuple[HostKind, ...]
    minimum_spacing_m: Amount = Field(0.0, description="no two of this kind nearer than this, as the crow flies")
    supply_hours: Hours = "06:00-20:00"
    visit_s: Amount = Field(180.0, description="time of one supply visit")
    parcel_s: Amount = Field(6.0, description="more time for each parcel handed over")

    @model_validator(mode="after")
    def _fewer_walk_further(self) -> "Facility":
        for (near, more), (far, fewer) in pairwise(self.walk_shares):
            if far <= near:
                raise ValueError(f"walk_shares must come with the metres ascending, {far:g} m follows {near:g} m")
            if fewer > more:
                raise ValueError(
                    f"walk_shares must not rise with the distance: {more:g} at {near:g} m, {fewer:g} at {far:g} m"
                )
        if self.walk_shares and not self.walk_shares[0][1]:
            raise ValueError("walk_shares are 0 at every distance, so nobody would use it; leave the key out for all")
        return self

    @model_validator(mode="after")
    def _modules_take_parcels(self) -> "Facility":
        if self.channel is None and (self.compartments or self.chilled_modules_max):
            raise ValueError("compartments and chilled_modules_max are for facilities with a channel")
        if self.compartments and not any(self.compartments.values()):
            raise ValueError("compartments has none of any size; leave the key out where size does not matter")
        if self.chilled_modules_max and self.parcels_per_chilled_module is None:
            raise ValueError("chilled_modules_max needs parcels_per_chilled_module")
        return self

    def compartments_from(self, size: ParcelSize) -> int:
        """Compartments of one module that hold parcels of a size: its own and the larger ones."""
        return sum(self.compartments.get(larger, 0) for larger in SIZES[SIZES.index(size) :])


class _Clause(_Model):
    """What every target states: the plan's own words, where they stand and by when they must hold."""

    id: Identifier
    text: str
    citation: str = ""
    by: date | None = Field(
        None,
        description="the date by which it must hold. Several dates of targets of sites (count, coverage, each_area, "
        "budget) make phases, see there; those without a date are then due with the last",
    )


class CountTarget(_Clause):
    """So many sites (or modules, or refrigerated modules) of a kind."""

    measure: Literal["count"]
    facility: str
    of: Literal["sites", "modules", "chilled_modules"] = "sites"
    minimum: Count = 0
    maximum: Count | None = None
    host: tuple[HostKind, ...] | None = None
    district: str | None = None


class CoverageTarget(_Clause):
    """A share of the demand within walking reach of some site, or expected to walk to one."""

    measure: Literal["coverage"]
    facilities: tuple[str, ...]
    reach_m: Positive
    minimum: Share
    districts: tuple[str, ...] | None = None
    each_district: bool = Field(False, description="the share must hold in every district by itself: a fairness floor")
    expected: bool = Field(
        False,
        description="count of each parcel the share of receivers who would walk to the best of the sites "
        "(the facilities' `walk_shares`, no further than their own reach_m) instead of whether it is within reach",
    )


class AreaTarget(_Clause):
    """Every named community, village, township or campus has a site."""

    measure: Literal["each_area"]
    facilities: tuple[str, ...]
    area_kind: Literal["community", "village", "township", "campus"]
    districts: tuple[str, ...] | None = None
    reach_m: Positive = Field(
        500.0, description="a site this near to the area's place (or inside its polygon) serves it"
    )
    at_most_one: bool = Field(False, description="one shared site per area, no more")
    minimum: Share = Field(1.0, description="share of the areas that must be served")


class BudgetTarget(_Clause):
    """Money that a category of sites and vehicles may cost."""

    measure: Literal["budget"]
    category: str
    maximum_yuan: Amount


class FleetTarget(_Clause):
    """Vehicles in service or bought."""

    measure: Literal["vehicles"]
    minimum: Count
    new_only: bool = False
    marked_only: bool = False


class NewEnergyTarget(_Clause):
    """Share of new-energy vehicles in the fleet."""

    measure: Literal["new_energy_share"]
    minimum: Share
    new_only: bool = True


class PermitTarget(_Clause):
    """Vehicles that hold a permit."""

    measure: Literal["permits"]
    permit: str
    minimum: Count = 0
    maximum: Count | None = None


Target = Annotated[
    CountTarget | CoverageTarget | AreaTarget | BudgetTarget | FleetTarget | NewEnergyTarget | PermitTarget,
    Field(discriminator="measure"),
]


class ServiceTime(_Model):
    """How long a stop takes: once per visit and once per parcel."""

    visit_s: Amount
    parcel_s: Amount


class Generated(_Model):
    """Demand made from population, residential areas and buildings, scaled to district totals."""

    population: TableFile | None = Field(None, description="columns lon, lat, population")
    parcels_per_person_day: Positive
    market_share: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="share of all parcels planned here")
    peak_factor: Positive = Field(1.0, description="1.65-1.8 on the days of the November sales")
    urban_factor: Positive = Field(1.0, description="urban parcels per person against the mean, 0.9-1.3 [est.]")
    rural_factor: Positive = Field(0.6, description="the same for counties, 0.4-0.7 [est.]")
    districts: tuple[str, ...] | None = Field(None, description="only these districts receive; all where absent")
    door_share: Share = 0.5
    locker_share: Share = 0.2
    station_share: Share = 0.3
    pickup_share: Share = Field(0.0, description="parcels picked up at doors, per parcel delivered there")
    chilled_share: Share = Field(
        0.0, description="parcels that are chilled, whatever their channel: orders of their own, with the skill `cold`"
    )
    sizes: dict[ParcelSize, Share] = Field(
        {"S": 0.55, "M": 0.30, "L": 0.12, "XL": 0.03},
        description="shares of the sizes, 55, 30, 12 and 3 % where absent [est.]; told apart, as orders of their own, "
        "only where some facility of the channel has compartments",
    )
    parcel_kg: Positive = 1.2
    parcel_litres: Positive = 8.0
    bundle_parcels_max: Annotated[int, Field(gt=0)] = Field(60, description="more than this at one place is split")
    windows: tuple[Hours, ...] = Field(("08:00-20:00",), description="door windows, drawn with equal chance")

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> "Generated":
        total = self.door_share + self.locker_share + self.station_share
        if abs(total - 1) > 1e-6:
            raise ValueError(f"door_share + locker_share + station_share must be 1, they make {total:g}")
        total = sum(self.sizes.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of sizes must sum to 1, they make {total:g}")
        return self


class Firm(_Model):
    """A firm that delivers a share of generated demand."""

    id: Identifier
    name: str = ""
    share: Annotated[float, Field(gt=0, le=1)] = Field(description="of the orders; the firms' shares sum to 1")


class PhaseDemand(_Model):
    """How many parcels a day there are in a phase of the targets, where these are more or fewer each time."""

    by: date = Field(description="the phase: a date of targets of sites")
    factor: Annotated[float, Field(gt=0, le=1_000)] = Field(
        description="parcels as a multiple of the planned day's: 2.5 years at 20 % a year make 1.2^2.5 = 1.58"
    )


class Demand(_Model):
    """Parcels of the planned day: a table of orders, or generated."""

    orders: TableFile | None = None
    generate: Generated | None = None
    firms: tuple[Firm, ...] = Field(
        (),
        description="to whom generated orders are dealt by chance, each order (see bundle_parcels_max) to one of them; "
        "for `lastmile joint`. The orders of a table have the column `firm`",
    )
    phases: tuple[PhaseDemand, ...] = Field(
        (),
        description="how many parcels there are in some phases of the targets, see there; in others, those of the day",
    )
    door: ServiceTime = ServiceTime(visit_s=180.0, parcel_s=30.0)

    @model_validator(mode="after")
    def _one_source(self) -> "Demand":
        if (self.orders is None) == (self.generate is None):
            raise ValueError("give exactly one of 'orders' (a table) and 'generate'")
        return self

    @model_validator(mode="after")
    def _firms_share_all(self) -> "Demand":
        if self.firms and self.generate is None:
            raise ValueError("firms are for generated demand; name each order's firm in the table's column 'firm'")
        total = sum(firm.share for firm in self.firms)
        if self.firms and abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of firms must sum to 1, they make {total:g}")
        return self


class Candidates(_Model):
    """Where sites may stand: places of the map, and a table."""

    from_map: bool = True
    table: TableFile | None = None
    forbidden: TableFile | None = Field(None, description="polygons in which no site may stand")
    maximum: Annotated[int, Field(gt=0)] = Field(20_000, description="nearest to demand are kept; the rest is reported")


class Search(_Model):
    """How hard to look; the iteration limits decide, the clock is only a ceiling."""

    siting_seconds: Positive = Field(
        20.0,
        description="ceiling, for each phase of the targets; a plan that it ends may differ between machines. "
        "Where targets may be exceeded, or money saved, a fifth of it is kept for what is proved of each. Where they "
        "clash it takes about twice as long",
    )
    siting_gap: Amount = Field(0.005, description="relative gap to the proven bound at which siting stops")
    siting_rounds: Count = Field(
        0,
        description="most times that sites are chosen anew with what it cost to supply them; each takes as long as the"
        " first plan, and the first that is no cheaper is the last",
    )
    routing_seconds: Positive = Field(30.0, description="ceiling for all rounds together; see siting_seconds")
    routing_iterations: Annotated[int, Field(gt=0)] = Field(
        2000, description="iterations of the search for rounds, for each visit of an independent problem"
    )
    threads: Annotated[int, Field(gt=0)] = Field(
        2, description="for travel tables, catchments and the search for rounds; another number may give other rounds"
    )


class Economics(_Model):
    """What makes a site worth its money where no target decides."""

    parcel_yuan: Positive = Field(1.0, description="worth of a parcel served at a site instead of at the door [est.]")
    walk_discount: Share = Field(
        0.1,
        description="share of that which the longest walk to any site takes, a shorter one less [est.]",
    )
    site_life_years: Positive = Field(5.0, description="years over which opening costs are spread")


class Emissions(_Model):
    """Emission factors; name the source in the scenario."""

    grid_kg_per_kwh: Amount = Field(0.5271, description="kg CO2 per kWh, Central China grid 2023")
    diesel_kg_per_l: Amount = Field(2.68, description="kg CO2 per litre, tank to wheel")
    petrol_kg_per_l: Amount = 2.3
    gas_kg_per_l: Amount = 1.9


class ScenarioFile(_Model):
    """A whole scenario, as written in its TOML file."""

    name: Identifier = Field(description="used for file names")
    title: str = Field("", description="shown on map and report")
    description: str = Field("", description="shown in the report")
    day: date = Field(description="the planned day; its weekday and month decide which rules are in force")
    holiday: bool = Field(False, description="the planned day is a statutory holiday")
    alert_level: Literal["yellow", "orange", "red"] | None = Field(None, description="air alert of the planned day")
    seed: Count = Field(1, description="of everything that is drawn by chance")
    metric_crs: str | None = Field(None, description="projected system for metric work; the UTM zone where absent")
    map: MapSource
    speeds: Speeds = Speeds()
    districts: TableFile | None = Field(None, description="polygons, or centres: columns name, population, kind")
    areas: TableFile | None = Field(None, description="communities, villages, townships and campuses by name")
    zones_file: TableFile | None = Field(None, description="polygons with the column zone_id")
    chargers: TableFile | None = Field(
        None, description="charging places, for vehicles whose battery states `charging`"
    )
    zones: tuple[Zone, ...] = ()
    permits: tuple[Permit, ...] = ()
    demand: Demand
    candidates: Candidates = Candidates()
    facilities: tuple[Facility, ...] = ()
    targets: tuple[Target, ...] = ()
    depots: Annotated[tuple[Depot, ...], Field(min_length=1)]
    vehicles: Annotated[tuple[VehicleType, ...], Field(min_length=1)]
    search: Search = Search()
    economics: Economics = Economics()
    emissions: Emissions = Emissions()
