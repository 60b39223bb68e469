"""Parcels of the planned day: from a table of orders, or made from population, residential areas and buildings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from lastmile.errors import Fault, InputError
from lastmile.geo.districts import Districts
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper
from lastmile.loading import Scenario
from lastmile.plans import Channel
from lastmile.scenario import CHILLED, SIZES
from lastmile.units import DAY_S, parse_hours

NONE: Final = -1  # in integer columns: not stated
PARCEL_KG: Final = 1.2
PARCEL_LITRES: Final = 8.0
_KINDS_STREAM: Final = 1  # beside the seed, for sizes and what is chilled


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Orders of one day, as columns of length n.

    Parameters
    ----------
    channels
        Per order the channels its receiver has agreed to, best first.
    firm
        Id of who delivers it today, empty where not stated.
    size
        The compartment that each of the order's parcels needs, empty where not stated: the smallest.
    lon, lat
        Degrees, WGS-84, of the receiver's place.
    parcels, pickups
        int32, delivered and collected.
    weight_g, volume_cm3
        int64, of the delivered parcels together.
    window_start_s, window_end_s
        int32, in which service at the door must begin.
    service_s
        int32, time at the door; ``NONE`` where the scenario's service times hold.
    release_s
        int32, when the parcels are at the depot: no round leaves it with them earlier.
    on_board_s
        int32, longest time between leaving the base and delivery, ``NONE`` without limit.
    price_fen
        int64, what leaving the order out costs; ``NONE``: it must be served.
    notes
        How the demand came about and what was assumed, for the report.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    district: tuple[str, ...]
    channels: tuple[tuple[Channel, ...], ...]
    skill: tuple[str, ...]
    firm: tuple[str, ...]
    size: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    parcels: NDArray[np.int32]
    pickups: NDArray[np.int32]
    weight_g: NDArray[np.int64]
    volume_cm3: NDArray[np.int64]
    window_start_s: NDArray[np.int32]
    window_end_s: NDArray[np.int32]
    service_s: NDArray[np.int32]
    release_s: NDArray[np.int32]
    on_board_s: NDArray[np.int32]
    price_fen: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.id)

    def chilled(self) -> NDArray[np.bool_]:
        """Which orders must be kept chilled."""
        return np.array([skill == CHILLED for skill in self.skill], dtype=bool)

    def take(self, index: NDArray[np.int64]) -> "Demand":
        """The orders at ``index``, with the notes of all."""
        taken: dict[str, Any] = {}
        for column in (item.name for item in fields(self) if item.name != "notes"):
            values = getattr(self, column)
            taken[column] = tuple(values[k] for k in index.tolist()) if isinstance(values, tuple) else values[index]
        return replace(self, **taken)


def demand_from_orders(scenario: Scenario, districts: Districts) -> Demand:
    """Take the orders as the table gives them; unstated weights and volumes are means, and noted."""
    frame = scenario.orders
    count = len(frame)
    lon, lat = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    parcels = frame["parcels"].to_numpy(dtype=np.int32)
    weight = frame["weight"].to_numpy(dtype=np.float64, na_value=np.nan)
    volume = frame["volume"].to_numpy(dtype=np.float64, na_value=np.nan)
    # What is picked up is weighed when it is seen: without parcels there is nothing to weigh yet.
    idle = (parcels == 0) & (np.nan_to_num(weight) + np.nan_to_num(volume) > 0)
    weight, volume = np.where(idle, 0.0, weight), np.where(idle, 0.0, volume)
    notes = [f"{count} orders with {int(parcels.sum()):,} parcels read from {scenario.file.demand.orders.file}"]  # type: ignore[union-attr]
    if idle.any():
        notes.append(f"{int(idle.sum())} orders deliver no parcel; the weight and volume they state are not counted")
    if np.isnan(weight).any():
        notes.append(f"assumed: {PARCEL_KG} kg a parcel where an order states no weight [est.]")
    if np.isnan(volume).any():
        notes.append(f"assumed: {PARCEL_LITRES} L a parcel where an order states no volume [est.]")
    sized = _channels_by_size(scenario)
    unsized = sum(
        bool(sized & set(chosen))
        for chosen, size, skill in zip(frame["options"], frame["size"].fillna(""), frame["skill"], strict=True)
        if not size and skill != CHILLED
    )
    if unsized:
        notes.append(f"assumed: size {SIZES[0]} where an order for a compartment states none ({unsized:,} orders)")

    def seconds(column: str, default: int) -> NDArray[np.int32]:
        values: NDArray[np.int32] = frame[column].fillna(default).to_numpy(dtype=np.int32)
        return values

    service = frame["service"].to_numpy(dtype=np.float64, na_value=np.nan)
    on_board = frame["on_board"].to_numpy(dtype=np.float64, na_value=np.nan) * 60
    price = frame["price"].to_numpy(dtype=np.float64, na_value=np.nan) * 100
    return Demand(
        id=tuple(frame["id"]),
        name=tuple(frame["name"]),
        district=tuple(districts.name[k] for k in districts.of(lon, lat)),
        channels=tuple(
            tuple(chosen) if isinstance(chosen, tuple) and chosen else ("door",) for chosen in frame["options"]
        ),
        skill=tuple(frame["skill"]),
        firm=tuple(frame["firm"]),
        size=tuple(frame["size"].fillna("")),
        lon=lon,
        lat=lat,
        parcels=parcels,
        pickups=frame["pickups"].to_numpy(dtype=np.int32),
        weight_g=np.rint(np.where(np.isnan(weight), parcels * PARCEL_KG, weight) * 1000).astype(np.int64),
        volume_cm3=np.rint(np.where(np.isnan(volume), parcels * PARCEL_LITRES, volume) * 1000).astype(np.int64),
        window_start_s=seconds("window_start", 0),
        window_end_s=seconds("window_end", 2 * DAY_S),
        service_s=np.where(np.isnan(service), NONE, np.nan_to_num(service)).astype(np.int32),
        release_s=seconds("release", 0),
        on_board_s=np.where(np.isnan(on_board), NONE, np.nan_to_num(on_board)).astype(np.int32),
        price_fen=np.where(np.isnan(price), NONE, np.nan_to_num(price)).round().astype(np.int64),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where people live: place, name, and weight (persons or something in proportion to them)."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    name: tuple[str, ...]
    weight: NDArray[np.float64]


_STOREYS: Final = 6.0  # of residential buildings without building:levels, a walk-up block
_STOREYS_IN: Final = {"house": 2.0, "detached": 2.0, "terrace": 2.0, "farm": 1.0, "hut": 1.0, "dormitory": 6.0}
_HOMES: Final = frozenset({"apartments", "residential", "house", "detached", "terrace", "dormitory", "yes", "farm"})
_VILLAGE_M2: Final = {"village": 60_000.0, "hamlet": 15_000.0, "town": 600_000.0}  # floor area where nothing is drawn
_FLOOR_RATIO: Final = 1.2  # floor area per residential land where no building is drawn
_GRID_M: Final = 400.0  # cells in which street junctions stand for homes
_STREET_MODE: Final = "e_van"
_DRAWN_MIN: Final = 0.3  # share of streets with homes near them below which the drawn homes are no sample of the city
_MARGIN_DEG: Final = 0.02  # so far beyond the outermost junctions a place is still one of the map
_ASSIGN_M: Final = 900.0  # a population cell's people live at drawn homes within this distance


def receiving_places(features: tuple[Feature, ...], network: RoadNetwork, metric_crs: str) -> tuple[_Places, str]:
    """Homes on the map, weighted by floor area; the second value says what they were made from.

    Residential land with drawn buildings weighs their floor area, land without them its area times a usual floor
    ratio; villages outside any residential land a usual size. Where most streets have no home near them, the map is
    too empty to tell where people live, and street junctions stand in.
    """
    project = Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True)

    def to_plane(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(project.transform(points[:, 0], points[:, 1]))

    land = [f for f in features if f.tags.get("landuse") == "residential" and f.geometry.geom_type != "Point"]
    homes = [f for f in features if f.tags.get("building") in _HOMES and f.geometry.geom_type != "Point"]
    villages = [f for f in features if f.tags.get("place") in _VILLAGE_M2 and f.geometry.geom_type == "Point"]
    land_shape = shapely.transform(np.array([f.geometry for f in land], dtype=object), to_plane)
    home_shape = shapely.transform(np.array([f.geometry for f in homes], dtype=object), to_plane)
    floor = np.array([_storeys(f) for f in homes]) * shapely.area(home_shape) if homes else np.empty(0)
    weight = shapely.area(land_shape) * _FLOOR_RATIO if land else np.empty(0)
    loose = np.ones(len(homes), dtype=bool)
    if land and homes:
        home_at, land_at = shapely.STRtree(land_shape).query(shapely.centroid(home_shape), predicate="intersects")
        drawn = np.bincount(land_at, weights=floor[home_at], minlength=len(land))
        weight = np.maximum(weight * (drawn == 0), drawn)
        loose[home_at] = False
    village_shape = shapely.transform(np.array([f.geometry for f in villages], dtype=object), to_plane)
    apart = np.ones(len(villages), dtype=bool)
    if land and villages:
        beside, _ = shapely.STRtree(land_shape).query(village_shape, predicate="dwithin", distance=150.0)
        apart[beside] = False
    chosen = [
        *((f.geometry.representative_point(), f.name, w) for f, w in zip(land, weight, strict=True)),
        *(
            (f.geometry.representative_point(), f.name, w)
            for f, w, keep in zip(homes, floor, loose, strict=True)
            if keep
        ),
        *((f.geometry, f.name, _VILLAGE_M2[f.tags["place"]]) for f, keep in zip(villages, apart, strict=True) if keep),
    ]
    streets = _street_cells(network, to_plane)
    if chosen:
        points = shapely.get_coordinates([point for point, _, _ in chosen])
        street_plane = to_plane(np.column_stack((streets.lon, streets.lat)))
        away = np.asarray(cKDTree(to_plane(points)).query(street_plane)[0])
        settled = float(np.mean(away <= _ASSIGN_M))
        if settled >= _DRAWN_MIN:
            names = tuple(name for _, name, _ in chosen)
            weights = np.array([w for _, _, w in chosen])
            source = (
                f"{len(land)} residential areas, {int(loose.sum())} buildings outside them, {int(apart.sum())} villages"
            )
            return _Places(lon=points[:, 0], lat=points[:, 1], name=names, weight=weights), source
        why = f"the map has homes near only {settled:.0%} of its streets"
    else:
        why = "the map has no homes"
    return streets, f"street junctions in {len(streets.lon)} cells of {_GRID_M:.0f} m: {why} [est.]"


def _street_cells(network: RoadNetwork, to_plane: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> _Places:
    """Cells with streets, each weighted by its junctions: what stands in where no homes are drawn."""
    on_street = np.zeros(network.nodes, dtype=bool)
    on_street[network.edge_target[network.permitted(_STREET_MODE)]] = True
    lon, lat = network.node_lon[on_street], network.node_lat[on_street]
    cell = np.floor(to_plane(np.column_stack((lon, lat))) / _GRID_M).astype(np.int64)
    _, first, counts = np.unique(cell, axis=0, return_index=True, return_counts=True)
    return _Places(lon=lon[first], lat=lat[first], name=("",) * len(first), weight=counts.astype(np.float64))


def _storeys(feature: Feature) -> float:
    try:
        return min(max(float(feature.tags["building:levels"]), 1.0), 120.0)
    except (KeyError, ValueError):
        return _STOREYS_IN.get(feature.tags.get("building", ""), _STOREYS)


def _on_map(
    network: RoadNetwork, lon: NDArray[np.float64], lat: NDArray[np.float64], margin_deg: float = 0.0
) -> NDArray[np.bool_]:
    west, south, east, north = network.bounds
    return (
        (lon >= west - margin_deg)
        & (lon <= east + margin_deg)
        & (lat >= south - margin_deg)
        & (lat <= north + margin_deg)
    )


def _settle(population: Any, places: _Places, network: RoadNetwork, metric_crs: str) -> _Places:
    """Let the people of each population cell live at the drawn homes near it, else along the nearest street.

    A cell stands for some hundred metres of land; its centre may be a field that no vehicle comes near. Cells off the
    map stay there.
    """
    project = Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True)
    lon, lat = population.geometry.x.to_numpy(), population.geometry.y.to_numpy()
    persons = population["population"].to_numpy(dtype=np.float64)
    lon, lat, persons = lon[persons > 0], lat[persons > 0], persons[persons > 0]
    cells = np.column_stack(project.transform(lon, lat))
    homes = np.column_stack(project.transform(places.lon, places.lat))
    weight = np.zeros(len(homes))
    alone = np.ones(len(cells), dtype=bool)
    if len(homes):
        neighbours = cKDTree(homes).query_ball_point(cells, _ASSIGN_M)
        for cell, near in enumerate(neighbours):
            total = places.weight[near].sum() if near else 0.0
            if total > 0:
                weight[near] += persons[cell] * places.weight[near] / total
                alone[cell] = False
    lived = weight > 0
    lon, lat = lon[alone], lat[alone]
    on_map = _on_map(network, lon, lat, _MARGIN_DEG)  # others' nearest street is only where the map ends
    street = Snapper(network, _STREET_MODE).snap(lon[on_map], lat[on_map])
    lon[on_map], lat[on_map] = street.lon, street.lat
    return _Places(
        lon=np.concatenate((places.lon[lived], lon)),
        lat=np.concatenate((places.lat[lived], lat)),
        name=(*(name for name, keep in zip(places.name, lived, strict=True) if keep), *("",) * int(alone.sum())),
        weight=np.concatenate((weight[lived], persons[alone])),
    )


def generate_demand(
    scenario: Scenario, features: tuple[Feature, ...], network: RoadNetwork, districts: Districts
) -> Demand:
    """Make a day's parcels from where people live, scaled to the districts' populations.

    Parcels of a district = population x parcels per person and day x market share x peak factor x urban or rural
    factor, shared out over its places by chance in proportion to their weight (seeded), then over the channels.
    """
    settings = scenario.file.demand.generate
    assert settings is not None
    places, source = receiving_places(features, network, scenario.metric_crs)
    notes = [f"demand generated for {source}"]
    if scenario.population is not None:
        places = _settle(scenario.population, places, network, scenario.metric_crs)
        notes.append(f"population from {settings.population.file}")  # type: ignore[union-attr]
    on_map = _on_map(network, places.lon, places.lat)
    if not on_map.all():
        share = float(places.weight[~on_map].sum() / places.weight.sum())
        notes.append(f"{int((~on_map).sum())} places with {share:.1%} of the people lie off the map and were left out")
    if not on_map.any():
        raise InputError.single(
            place=scenario.path.name,
            cause="nobody lives on the map: no home or population cell lies within it",
            remedy="check that the map and the population table are of one region and their crs is right",
        )
    lon, lat, weight = places.lon[on_map], places.lat[on_map], places.weight[on_map]
    name = [text for text, keep in zip(places.name, on_map, strict=True) if keep]
    district = districts.of(lon, lat)
    persons = np.bincount(district, weights=weight, minlength=len(districts.name))
    if scenario.districts is not None:
        stated = np.where(np.isnan(districts.population), persons, districts.population)
        for k in np.flatnonzero((persons == 0) & (stated > 0)).tolist():
            if settings.districts is None or districts.name[k] in settings.districts:
                notes.append(
                    f"district {districts.name[k]}: no homes on the map, its {stated[k]:,.0f} people are left out"
                )
        persons = stated
    factor = np.where(districts.urban, settings.urban_factor, settings.rural_factor)
    mean = persons * settings.parcels_per_person_day * settings.market_share * settings.peak_factor * factor
    if settings.districts is not None:
        mean[[k for k, text in enumerate(districts.name) if text not in settings.districts]] = 0.0
    rng = np.random.default_rng(scenario.file.seed)
    parcels = np.zeros(len(lon), dtype=np.int64)
    for k in range(len(districts.name)):
        members = np.flatnonzero(district == k)
        total = float(weight[members].sum())
        if len(members) and total > 0:
            parcels[members] = rng.multinomial(round(mean[k]), weight[members] / total)
    shares = (settings.door_share, settings.locker_share, settings.station_share)
    by_channel = rng.multinomial(parcels, shares)
    notes += [
        f"assumed: {settings.parcels_per_person_day} parcels per person and day, market share "
        f"{settings.market_share:.0%}, door/locker/station {shares[0]:.0%}/{shares[1]:.0%}/{shares[2]:.0%}",
        *_assumed_kinds(scenario),
        f"{int(parcels.sum()):,} parcels at {int((parcels > 0).sum()):,} places",
    ]
    return _bundles(scenario, lon, lat, name, [districts.name[k] for k in district], by_channel, rng, notes)


def _bundles(
    scenario: Scenario,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    name: list[str],
    district: list[str],
    by_channel: NDArray[np.int64],
    rng: np.random.Generator,
    notes: list[str],
) -> Demand:
    """One order per place, kind and bundle; locker and station parcels may go to the door where no site is near."""
    settings = scenario.file.demand.generate
    assert settings is not None
    windows = [parse_hours(text) for text in settings.windows]
    kinds, numbers = _kinds(scenario, by_channel)
    place: list[int] = []
    kind_of: list[_Kind] = []
    bundle: list[int] = []
    ids: list[str] = []
    for at, counts in enumerate(numbers.tolist()):
        for kind, count in zip(kinds, counts, strict=True):
            number = -(-count // settings.bundle_parcels_max)
            for part in range(number):
                place.append(at)
                kind_of.append(kind)
                bundle.append(count * (part + 1) // number - count * part // number)
                ids.append(f"{kind.label}{at:05d}" + (f"-{part + 1}" if number > 1 else ""))
    channels = [kind.channels for kind in kind_of]
    index, parcels = np.array(place, dtype=np.int64), np.array(bundle, dtype=np.int32)
    chosen = np.array(windows, dtype=np.int32)[rng.integers(len(windows), size=len(index))].reshape(-1, 2)
    at_door = np.array([option[0] == "door" for option in channels], dtype=bool)
    pickups = rng.binomial(parcels, min(settings.pickup_share, 1.0)) * at_door
    count = len(index)
    firm = _firms(scenario, count, rng)
    return Demand(
        id=tuple(ids),
        name=tuple(name[at] for at in place),
        district=tuple(district[at] for at in place),
        channels=tuple(channels),
        skill=tuple(kind.skill for kind in kind_of),
        firm=firm,
        size=tuple(kind.size for kind in kind_of),
        lon=lon[index],
        lat=lat[index],
        parcels=parcels,
        pickups=pickups.astype(np.int32),
        weight_g=np.rint(parcels * settings.parcel_kg * 1000).astype(np.int64),
        volume_cm3=np.rint(parcels * settings.parcel_litres * 1000).astype(np.int64),
        window_start_s=chosen[:, 0],
        window_end_s=chosen[:, 1],
        service_s=np.full(count, NONE, dtype=np.int32),
        release_s=np.zeros(count, dtype=np.int32),
        on_board_s=np.full(count, NONE, dtype=np.int32),
        price_fen=np.full(count, NONE, dtype=np.int64),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What the parcels of a generated order have in common; ``label`` begins its id."""

    channels: tuple[Channel, ...]
    size: str = ""
    skill: str = ""

    @property
    def label(self) -> str:
        return self.channels[0][0].upper() + self.size + ("C" if self.skill else "")


_CHANNELS: Final[tuple[tuple[Channel, ...], ...]] = (("door",), ("locker", "door"), ("station", "door"))


def _kinds(scenario: Scenario, by_channel: NDArray[np.int64]) -> tuple[list[_Kind], NDArray[np.int64]]:
    """Tell chilled parcels from others, and sizes where compartments limit them: kinds, and parcels by place and kind.

    Drawn from a stream of its own, so that nothing else that is drawn depends on it.
    """
    settings = scenario.file.demand.generate
    assert settings is not None
    rng = np.random.default_rng((scenario.file.seed, _KINDS_STREAM))
    sized = _channels_by_size(scenario)
    sizes = [size for size in SIZES if settings.sizes.get(size, 0.0) > 0]
    shares = np.array([settings.sizes[size] for size in sizes])
    kinds, numbers = [], []
    for channels, parcels in zip(_CHANNELS, by_channel.T, strict=True):
        chilled = rng.binomial(parcels, settings.chilled_share)
        if channels[0] in sized:
            kinds += [_Kind(channels=channels, size=size) for size in sizes]
            numbers += list(rng.multinomial(parcels - chilled, shares / shares.sum()).T)
        else:
            kinds.append(_Kind(channels=channels))
            numbers.append(parcels - chilled)
        if settings.chilled_share > 0:
            kinds.append(_Kind(channels=channels, skill=CHILLED))
            numbers.append(chilled)
    return kinds, np.column_stack(numbers)


def _assumed_kinds(scenario: Scenario) -> Iterator[str]:
    settings = scenario.file.demand.generate
    assert settings is not None
    if _channels_by_size(scenario):
        yield "assumed: parcels by size " + ", ".join(f"{s} {settings.sizes.get(s, 0.0):.0%}" for s in SIZES)
    if settings.chilled_share > 0:
        yield f"assumed: {settings.chilled_share:.1%} of the parcels are chilled"


def _channels_by_size(scenario: Scenario) -> set[str]:
    """Channels in which compartments of some facility limit parcels by size."""
    return {facility.channel for facility in scenario.file.facilities if facility.channel and facility.compartments}


def _firms(scenario: Scenario, orders: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Deal orders to firms by their shares; drawn last, so that firms change nothing else that is drawn."""
    firms = scenario.file.demand.firms
    if not firms:
        return ("",) * orders
    share = np.array([firm.share for firm in firms])
    return tuple(firms[k].id for k in rng.choice(len(firms), size=orders, p=share / share.sum()).tolist())


def build_demand(
    scenario: Scenario, features: tuple[Feature, ...], network: RoadNetwork, districts: Districts
) -> Demand:
    """The day's orders, from whichever source the scenario names.

    Raises
    ------
    InputError
        When an order lies off the map, or nobody lives on it.
    """
    if scenario.orders is None:
        return generate_demand(scenario, features, network, districts)
    demand = demand_from_orders(scenario, districts)
    west, south, east, north = network.bounds
    off = np.flatnonzero(~_on_map(network, demand.lon, demand.lat, _MARGIN_DEG))
    if len(off):
        source = scenario.file.demand.orders
        assert source is not None
        raise InputError(
            [
                Fault(
                    place=f"{source.file}, order {demand.id[k]!r}",
                    cause=f"its place ({demand.lon[k]:.5f}, {demand.lat[k]:.5f}) lies off the map, which covers "
                    f"{west:.3f} to {east:.3f} E and {south:.3f} to {north:.3f} N",
                    remedy="check the coordinates and their declared crs, or take a larger map",
                )
                for k in off[:20]
            ]
        )
    return demand
