"""What a made-up city is made from: the contents of ``city.toml``, checked as a whole."""

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lastmile.errors import Fault, InputError

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """One district or county.

    Parameters
    ----------
    centre
        Longitude and latitude of its seat, in degrees, WGS-84.
    population
        Residents of the whole district.
    town_radius_km
        Radius of the built-up town in km at scale 1; derived from the population when absent.
    villages
        Number of villages and townships to generate; fewer where there is no room along its roads.
    """

    name: str
    name_en: str
    centre: LonLat
    population: int
    kind: Literal["urban", "county"]
    villages: int = 0
    town_radius_km: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A ring road around the city centre.

    Parameters
    ----------
    radius_km
        Half extents east-west and north-south, in km.
    squareness
        Exponent of the superellipse: 2 is an ellipse, 8 almost a box.
    side_names
        Street names of the east, north, west and south side; the ring's name when empty.
    """

    id: str
    name: str
    radius_km: tuple[float, float]
    elevated: bool = False
    squareness: float = 2.0
    side_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class River:
    """A river; ``bridges`` counts the town streets that cross it, ring, county and motorway bridges come on top."""

    name: str
    name_en: str
    line: tuple[LonLat, ...]
    width_m: float
    bridges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Motorway:
    """A motorway along ``line``, with junctions at the county and ring roads it meets; left out when it meets none."""

    name: str
    ref: str
    line: tuple[LonLat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named area, either inside the ring road ``ring`` or inside ``polygon``."""

    id: str
    name: str
    ring: str | None = None
    polygon: tuple[LonLat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySpec:
    """Everything that distinguishes one made-up city from another.

    Parameters
    ----------
    slug
        Short Latin name used in file names and identifiers.
    centre
        Longitude and latitude of the city centre, in degrees, WGS-84; ring roads are drawn around it.
    scale
        Share of the real city generated, in (0, 1]: town areas and populations are multiplied by it.
    compounds, campuses
        Numbers of walled compounds and of campuses to place; fewer when the blocks do not suffice.

    Raises
    ------
    ValueError
        When values contradict each other; the message lists all contradictions.
    """

    slug: str
    name: str
    name_zh: str
    seed: int
    centre: LonLat
    scale: float
    compounds: int
    campuses: int
    districts: tuple[District, ...]
    rings: tuple[Ring, ...] = ()
    rivers: tuple[River, ...] = ()
    motorways: tuple[Motorway, ...] = ()
    zones: tuple[Zone, ...] = ()

    def __post_init__(self) -> None:
        faults = contradictions(
            scale=self.scale, centre=self.centre, districts=self.districts, rings=self.rings, zones=self.zones
        )
        causes = [f"{place}: {cause}" for place, cause, _ in faults]
        if causes:
            raise ValueError("; ".join(causes))


def contradictions(
    *,
    scale: float,
    centre: LonLat | None,
    districts: tuple[District, ...] | None,
    rings: tuple[Ring, ...] | None,
    zones: tuple[Zone, ...],
) -> Iterable[tuple[str, str, str]]:
    """Yield (place, cause, remedy) of what is readable by itself but cannot be true together; None is not known."""
    if not 0.0 < scale <= 1.0:
        yield "scale", f"{scale} is not in (0, 1]", "write the share of the real city to generate, such as 0.3"
    if districts is not None:
        if not any(district.kind == "urban" for district in districts):
            yield "districts", "no district is urban", "give at least one district kind = 'urban'"
        names = [district.name for district in districts]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"districts, {name}", "the name occurs twice", "give every district a name of its own"
    for district in districts or ():
        lon, lat = district.centre
        if centre is not None and max(abs(lon - centre[0]), abs(lat - centre[1])) > 3.0:
            cause = f"its centre {lon}, {lat} lies more than 3 degrees from the city's"
            yield f"districts, {district.name}", cause, "check that longitude comes before latitude"
    for zone in zones:
        if (zone.ring is None) == (not zone.polygon):
            yield f"zones, {zone.id}", "needs either a ring or a polygon", "write exactly one of the two"
        if rings is not None and zone.ring is not None and zone.ring not in (known := [ring.id for ring in rings]):
            near = difflib.get_close_matches(zone.ring, known, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else f"use one of: {', '.join(known) or 'no ring is defined'}"
            yield f"zones, {zone.id}", f"there is no ring '{zone.ring}'", remedy


class _Reader:
    """Takes values out of TOML tables and remembers every fault instead of stopping at the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def read_whole(self, key: str) -> bool:
        """Whether no entry of a list of tables was faulty."""
        return not any(fault.place.startswith(f"{self.path.name}, {key}") for fault in self.faults)

    def fault(self, place: str, cause: str, remedy: str) -> None:
        self.faults.append(Fault(place=f"{self.path.name}, {place}", cause=cause, remedy=remedy))

    def table(self, raw: dict[str, Any], kind: type[Any], place: str) -> dict[str, Any]:
        """Read one table into the keyword arguments of ``kind``, without those that are faulty."""
        known = {field.name: field for field in fields(kind) if field.name != "slug"}
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                remedy = f"did you mean '{near[0]}'?" if near else f"known keys are {', '.join(known)}"
                self.fault(f"{place}{key}", "unknown key", remedy)
        values: dict[str, Any] = {}
        for key, field in known.items():
            if key in raw:
                before = len(self.faults)
                value = self._value(key, raw[key], f"{place}{key}")
                if len(self.faults) == before or key in _TABLES:
                    values[key] = value
            elif field.default is MISSING:
                self.fault(f"{place}{key}", "is missing", f"add a line '{key} = ...'")
        return values

    def _value(self, key: str, value: Any, place: str) -> Any:
        if key in _TABLES:
            return self._tables(key, value)
        check, expected = _EXPECTED[key]
        try:
            return check(value)
        except (TypeError, ValueError):
            self.fault(place, f"{value!r} is not {expected}", f"write {expected}")
            return None

    def _tables(self, key: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.fault(key, "is not a list of tables", f"start every entry with [[{key}]]")
            return ()
        kind = _TABLES[key]
        rows = []
        for number, entry in enumerate(value, start=1):
            before = len(self.faults)
            row = self.table(entry, kind, f"{key}[{number}].")
            if len(self.faults) == before:
                rows.append(kind(**row))
        return tuple(rows)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _positive(value: Any) -> float:
    if not 0.0 < _number(value) < 1e9:
        raise ValueError
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if not 0 <= value < 10**9:
        raise ValueError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _kind(value: Any) -> str:
    if value not in ("urban", "county"):
        raise ValueError
    return str(value)


def _point(value: Any) -> LonLat:
    lon, lat = value
    lon, lat = _number(lon), _number(lat)
    if not (-180.0 <= lon <= 180.0 and -85.0 <= lat <= 85.0):
        raise ValueError
    return lon, lat


def _line(value: Any) -> tuple[LonLat, ...]:
    points = tuple(_point(entry) for entry in value)
    if len(points) < 2:
        raise ValueError
    return points


def _polygon(value: Any) -> tuple[LonLat, ...]:
    points = _line(value)
    if len(points) < 3:
        raise ValueError
    return points


def _radii(value: Any) -> tuple[float, float]:
    east, north = value
    return _positive(east), _positive(north)


def _sides(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) != 4:
        raise TypeError
    return tuple(_text(entry) for entry in value)


_TABLES: dict[str, type[Any]] = {
    "districts": District,
    "rings": Ring,
    "rivers": River,
    "motorways": Motorway,
    "zones": Zone,
}
_EXPECTED: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("name", "name_zh", "name_en", "id", "ref", "ring"), (_text, "a text in quotes")),
    **dict.fromkeys(("seed", "compounds", "campuses", "population", "villages", "bridges"), (_count, "a whole number")),
    **dict.fromkeys(("scale", "town_radius_km", "width_m", "squareness"), (_positive, "a number above 0")),
    "centre": (_point, "a pair [longitude, latitude] in degrees"),
    "kind": (_kind, "'urban' or 'county'"),
    "elevated": (_flag, "true or false"),
    "line": (_line, "a list of at least two [longitude, latitude] pairs"),
    "polygon": (_polygon, "a list of at least three [longitude, latitude] pairs"),
    "radius_km": (_radii, "two positive numbers [east-west, north-south] in km"),
    "side_names": (_sides, "four texts: the east, north, west and south side"),
}


def read_city(path: str | Path) -> CitySpec:
    """Read and check a ``city.toml``.

    Parameters
    ----------
    path
        The file; the city's slug is the Latin ``name`` in lower case.

    Raises
    ------
    InputError
        Listing every fault of the file at once.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.single(
            place=str(path), cause=f"cannot be read: {error.strerror}", remedy="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError.single(place=path.name, cause="is not UTF-8 text", remedy="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError.single(place=path.name, cause=f"is not TOML: {error}", remedy="mend that line") from error
    reader = _Reader(path)
    values = reader.table(raw, CitySpec, "")
    for place, cause, remedy in contradictions(
        scale=values.get("scale", 1.0),
        centre=values.get("centre"),
        # an entry that could not be read must not make the others look wrong
        districts=values.get("districts", ()) if reader.read_whole("districts") else None,
        rings=values.get("rings", ()) if reader.read_whole("rings") else None,
        zones=values.get("zones", ()),
    ):
        reader.fault(place, cause, remedy)
    if reader.faults:
        raise InputError(reader.faults)
    return CitySpec(slug=values["name"].lower().replace(" ", "-"), **values)
