"""What the tags of a highway say: who may use it, in which direction, how fast and under which limits.

Access follows the hierarchy of https://wiki.openstreetmap.org/wiki/Key:access: the most specific key that is present
decides. Defaults by class are those of China (https://wiki.openstreetmap.org/wiki/OSM_tags_for_routing), with parcel
trikes treated as the non-motor vehicles that YZ/T 0136-2014 makes them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["walk", "e_trike", "e_van", "truck_light", "truck_medium"]
MODES: Final[tuple[Mode, ...]] = ("walk", "e_trike", "e_van", "truck_light", "truck_medium")
MODE_BIT: Final[dict[str, int]] = {mode: 1 << index for index, mode in enumerate(MODES)}
ALL_MODES: Final = (1 << len(MODES)) - 1

ROAD_CLASSES: Final[tuple[str, ...]] = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link",
    "tertiary", "tertiary_link", "unclassified", "residential", "living_street", "service", "track", "road", "busway",
    "pedestrian", "footway", "cycleway", "path", "bridleway", "steps", "corridor", "ferry",
)  # fmt: skip
ROAD_CODE: Final[dict[str, int]] = {name: code for code, name in enumerate(ROAD_CLASSES)}

BRIDGE: Final = 1
TUNNEL: Final = 2
ELEVATED: Final = 4
EXPRESSWAY: Final = 8
RAMP: Final = 16
DETOUR: Final = 32  # a copy of a road, driven only by who came over a turn that a restriction over ways begins with

_HIERARCHY: Final[dict[Mode, tuple[str, ...]]] = {
    "walk": ("access", "foot"),
    "e_trike": ("access", "vehicle", "bicycle"),
    "e_van": ("access", "vehicle", "motor_vehicle", "goods"),
    "truck_light": ("access", "vehicle", "motor_vehicle", "goods", "hgv"),
    "truck_medium": ("access", "vehicle", "motor_vehicle", "hgv"),
}
ACCESS_KEYS: Final = tuple(dict.fromkeys(key for keys in _HIERARCHY.values() for key in keys))
_CARRIAGEWAYS: Final = frozenset(ROAD_CLASSES[: ROAD_CODE["busway"]])
_FAST: Final = frozenset({"motorway", "motorway_link", "trunk", "trunk_link"})
_MOTORWAY: Final = frozenset({"motorway", "motorway_link"})
_DEFAULT: Final[dict[Mode, frozenset[str]]] = {
    "walk": frozenset(ROAD_CLASSES) - _FAST - {"busway"},
    "e_trike": (_CARRIAGEWAYS - _FAST) | {"cycleway", "ferry"},
    "e_van": _CARRIAGEWAYS,
    "truck_light": _CARRIAGEWAYS,
    "truck_medium": _CARRIAGEWAYS - {"living_street"},
}
_ON_FOOT_ONLY: Final = frozenset({"steps", "corridor"})  # bicycle=yes on steps means a groove to push one up
_CLOSED: Final = frozenset(
    {"no", "private", "agricultural", "forestry", "military", "emergency", "psv", "bus", "use_sidepath", "dismount",
     "permit", "residents"}
)  # fmt: skip
# Deliveries are what destination, customers and delivery access is for.
_OPEN: Final = frozenset({"yes", "permissive", "designated", "official", "destination", "delivery", "customers"})

_YES: Final = frozenset({"yes", "true", "1"})
_NO: Final = frozenset({"no", "false", "0"})
_BACKWARD: Final = frozenset({"-1", "reverse"})

KEYS: Final[tuple[str, ...]] = (
    "highway", "oneway", "junction", "access", "vehicle", "motor_vehicle", "goods", "hgv", "bicycle", "foot",
    "oneway:bicycle", "oneway:foot", "cycleway", "cycleway:left", "cycleway:right", "cycleway:both", "maxspeed",
    "maxweight", "maxweightrating", "maxheight", "maxheight:physical", "maxwidth", "maxwidth:physical", "bridge",
    "tunnel", "layer", "expressway", "motorroad", "area", "route",
)  # fmt: skip
NO_LIMIT: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadTags:
    """A highway's tags, understood.

    Parameters
    ----------
    forward, backward
        Bits of :data:`MODE_BIT` for the modes that may go along and against the way.
    flags
        Bits ``BRIDGE``, ``TUNNEL``, ``ELEVATED``, ``EXPRESSWAY``, ``RAMP``.
    max_kmh
        Posted limit, 0 where none is stated.
    max_weight_t, max_height_m, max_width_m
        ``inf`` where nothing is stated.
    unread
        Keys whose values could not be understood, for the report; the road is treated as if they were absent.
    """

    road: int
    forward: int
    backward: int
    flags: int
    max_kmh: float
    max_weight_t: float
    max_height_m: float
    max_width_m: float
    unread: tuple[str, ...] = ()


def _allowed(tags: Mapping[str, str], highway: str, mode: Mode) -> bool:
    if highway in _ON_FOOT_ONLY and mode != "walk":
        return False
    for key in reversed(_HIERARCHY[mode]):
        value = tags.get(key)
        if value is None:
            continue
        value = value.split(";")[0].strip().lower()
        if value in _CLOSED:
            return False
        if value in _OPEN:
            if key in ("access", "vehicle") and highway != "ferry":
                break  # A general yes lifts nothing: it does not make a footway a road for vans.
            return highway not in _MOTORWAY or mode not in ("walk", "e_trike")
    if mode in ("walk", "e_trike") and tags.get("motorroad") == "yes":
        return False
    return highway in _DEFAULT[mode]


_WHEELS: Final = tuple(mode for mode in MODES if mode != "walk")
_MOTORS: Final = ("e_van", "truck_light", "truck_medium")
# Who cannot pass where the barrier's own tags do not say: https://wiki.openstreetmap.org/wiki/Key:barrier
_BARRIERS: Final[Mapping[str, tuple[Mode, ...]]] = {
    "bollard": _MOTORS, "block": _MOTORS, "cycle_barrier": _WHEELS, "motorcycle_barrier": _MOTORS, "chain": _MOTORS,
    "jersey_barrier": _MOTORS, "planter": _MOTORS, "log": _MOTORS, "debris": _MOTORS, "bus_trap": _MOTORS,
    "sump_buster": _MOTORS, "stile": _WHEELS, "kissing_gate": _WHEELS, "turnstile": _WHEELS, "wicket_gate": _WHEELS,
    "full-height_turnstile": _WHEELS, "horse_stile": _WHEELS, "step": _WHEELS,
}  # fmt: skip


def blocked_by(tags: Mapping[str, str]) -> int:
    """Bits of the modes that a barrier node keeps out; gates without access tags are taken to open for deliveries."""
    blocked = 0
    for mode in MODES:
        closed = mode in _BARRIERS.get(tags.get("barrier", ""), ())
        for key in reversed(_HIERARCHY[mode]):
            value = tags.get(key, "").split(";")[0].strip().lower()
            if value in _CLOSED or value in _OPEN:
                closed = value in _CLOSED
                break
        blocked |= MODE_BIT[mode] if closed else 0
    return blocked


SIGNAL_KEYS: Final = ("highway", "crossing", "crossing:signals", "traffic_signals:direction", "direction")
FORWARD, BACKWARD = 1, 2  # bits of the direction along a way in which a node's mark holds
_SLOWING: Final = frozenset(
    {"yes", "bump", "hump", "mini_bumps", "table", "cushion", "dip", "double_dip", "chicane"}
)  # fmt: skip


def _sides(tags: Mapping[str, str], *keys: str) -> int:
    for key in keys:
        side = {"forward": FORWARD, "backward": BACKWARD}.get(tags.get(key, ""))
        if side is not None:
            return side
    return FORWARD | BACKWARD


def signals(tags: Mapping[str, str]) -> int:
    """Bits of the directions in which a node's traffic signals hold vehicles up; 0 where it has none.

    https://wiki.openstreetmap.org/wiki/Tag:highway%3Dtraffic_signals
    """
    kind = tags.get("highway")
    lit = kind == "traffic_signals" or (
        kind == "crossing" and (tags.get("crossing") == "traffic_signals" or tags.get("crossing:signals") == "yes")
    )
    return _sides(tags, "traffic_signals:direction", "direction") if lit else 0


def calming(tags: Mapping[str, str]) -> int:
    """Bits of the directions in which a node makes vehicles slow down (https://wiki.openstreetmap.org/wiki/Key:traffic_calming)."""
    return _sides(tags, "direction") if tags.get("traffic_calming") in _SLOWING else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRule:
    """A turn restriction: from one way, over a node or over ways, to another way, or to any but the other.

    Parameters
    ----------
    via_node
        The node at which one turns, None where ``via_ways`` lie between.
    modes
        Bits of whom it binds.
    when
        The conditional value that says at which hours; empty where it always holds.
    """

    from_way: int
    via_node: int | None
    via_ways: tuple[int, ...]
    to_way: int
    only: bool
    modes: int
    when: str = ""


_EXCEPTED: Final[Mapping[str, tuple[Mode, ...]]] = {
    "bicycle": ("e_trike",), "motorcar": ("e_van",), "goods": ("e_van", "truck_light"),
    "hgv": ("truck_light", "truck_medium"), "motor_vehicle": _MOTORS, "delivery": _WHEELS,
}  # fmt: skip
_BOUND: Final = ("", ":motor_vehicle", ":hgv", ":goods", ":motorcar", ":bicycle")


def _full_hour(text: str) -> str:
    return f"{int(text):02d}:00" if text.isascii() and text.isdigit() else text


def bound_by(tags: Mapping[str, str]) -> list[tuple[str, int, bool]]:
    """Values of a turn restriction (``no_left_turn`` …), the modes they bind, and whether they are conditional.

    Restrictions bind all vehicles but those excepted, and nobody on foot
    (https://wiki.openstreetmap.org/wiki/Relation:restriction). Empty where it binds nobody that is planned for.
    """
    # Before there were conditional values, days and hours had keys of their own (day_on, day_off, hour_on, hour_off).
    days = "-".join(tags[key] for key in ("day_on", "day_off") if key in tags)
    hours = "-".join(_full_hour(tags[key]) for key in ("hour_on", "hour_off") if key in tags)
    old_hours = " ".join(part for part in (days, hours) if part)
    excepted = {mode for name in tags.get("except", "").split(";") for mode in _EXCEPTED.get(name.strip(), ())}
    found = []
    for suffix in _BOUND:
        for conditional in (False, True):
            value = tags.get(f"restriction{suffix}{':conditional' if conditional else ''}")
            bound = set(_EXCEPTED[suffix[1:]] if suffix else _WHEELS) - excepted
            if value is not None and bound:
                by_hour = conditional or bool(old_hours)
                text = f"{value} @ ({old_hours})" if old_hours and not conditional else value
                found.append((text, sum(MODE_BIT[mode] for mode in bound), by_hour))
    return found


def _directions(tags: Mapping[str, str], highway: str) -> tuple[bool, bool, bool]:
    """(forward, backward, reversible) for vehicles."""
    oneway = tags.get("oneway", "").strip().lower()
    if oneway in _YES:
        return True, False, False
    if oneway in _BACKWARD:
        return False, True, False
    if oneway == "reversible":
        return False, False, True
    implied = tags.get("junction") in ("roundabout", "circular") or highway in ("motorway", "motorway_link")
    if oneway not in _NO | {"alternating"} and implied:
        return True, False, False
    return True, True, False


def _cycles_against(tags: Mapping[str, str]) -> bool:
    if tags.get("oneway:bicycle", "").lower() in _NO:
        return True
    return any(
        (tags.get(key) or "").startswith("opposite")
        for key in ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
    )


def parse_speed(text: str) -> float | None:
    """Read a maxspeed in km/h; 0 for "none", None when it is not understood."""
    value = text.split(";", maxsplit=1)[0].strip().lower()
    if value in ("none", "signals", "variable", "implicit", ""):
        return 0.0
    named = {"walk": 6.0, "cn:urban": 50.0, "cn:rural": 70.0, "cn:motorway": 120.0}
    if value in named:
        return named[value]
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?", value)
    if match is None:
        return None
    factor = {"mph": 1.609344, "knots": 1.852}.get(match[2] or "", 1.0)
    speed = float(match[1]) * factor
    return speed if speed > 0 else None


def parse_tonnes(text: str) -> float | None:
    """Read a maxweight in tonnes; ``inf`` for none, None when it is not understood."""
    value = text.split(";", maxsplit=1)[0].strip().lower().replace(",", ".")
    if value in ("none", "no", "default", "unsigned"):
        return NO_LIMIT
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(t|kg|st|lbs?)?", value)
    if match is None:
        return None
    return float(match[1]) * {"kg": 0.001, "st": 0.907185, "lb": 0.000453592, "lbs": 0.000453592}.get(match[2] or "", 1)


def parse_metres(text: str) -> float | None:
    """Read a maxheight or maxwidth in metres; ``inf`` for none, None when it is not understood."""
    value = text.split(";", maxsplit=1)[0].strip().lower().replace(",", ".")
    if value in ("none", "no", "default", "below_default", "no_sign", "no_indications", "unsigned"):
        return NO_LIMIT
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(m|cm|ft)?", value)
    if match is not None:
        return float(match[1]) * {"cm": 0.01, "ft": 0.3048}.get(match[2] or "", 1.0)
    match = re.fullmatch(r"(\d+)\s*(?:'|ft)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|in)?)?", value)
    if match is not None:
        return int(match[1]) * 0.3048 + float(match[2] or 0) * 0.0254
    return None


def _limit(
    tags: Mapping[str, str], keys: tuple[str, ...], parse: Callable[[str], float | None], unread: list[str]
) -> float:
    lowest = NO_LIMIT
    for key in keys:
        text = tags.get(key)
        if text is None:
            continue
        value = parse(text)
        if value is None:
            unread.append(key)
        else:
            lowest = min(lowest, float(value))
    return lowest


def _flags(tags: Mapping[str, str], highway: str) -> int:
    flags = 0
    bridge = tags.get("bridge", "no")
    if bridge != "no":
        flags |= BRIDGE
        try:
            layer = int(tags.get("layer", "0"))
        except ValueError:
            layer = 0
        # An elevated road (高架) is a fast road on stilts, a bridge over a river on a street is not.
        if bridge == "viaduct" or (layer >= 1 and (highway in _FAST or tags.get("expressway") == "yes")):
            flags |= ELEVATED
    if tags.get("tunnel", "no") != "no":
        flags |= TUNNEL
    if highway in _MOTORWAY or tags.get("expressway") == "yes" or tags.get("motorroad") == "yes":
        flags |= EXPRESSWAY
    if highway.endswith("_link"):
        flags |= RAMP
    return flags


def read_road(tags: Mapping[str, str]) -> RoadTags | None:
    """Understand one highway's tags; None when it is no road or path anyone of :data:`MODES` may use.

    A reversible lane (``oneway=reversible``) is closed to vehicles: its direction at a given hour is not in the map.
    """
    read = read_any_road(tags)
    return read if read is not None and read.forward | read.backward else None


def read_any_road(tags: Mapping[str, str]) -> RoadTags | None:
    """As :func:`read_road`, also where the tags let nobody in."""
    highway = "ferry" if tags.get("route") == "ferry" else tags.get("highway", "ferry").replace("ferry", "")
    road = ROAD_CODE.get(highway)
    if road is None:
        return None
    unread: list[str] = []
    along, against, reversible = _directions(tags, highway)
    if reversible:
        unread.append("oneway")
    forward = backward = 0
    for mode in MODES:
        if not _allowed(tags, highway, mode):
            continue
        bit = MODE_BIT[mode]
        ahead, back = along, against
        if mode == "walk":
            ahead = back = True
            if tags.get("oneway:foot") == "yes":
                back = False
        elif mode == "e_trike" and not (along and against) and not reversible and _cycles_against(tags):
            ahead = back = True
        forward |= bit if ahead else 0
        backward |= bit if back else 0
    speed_text = tags.get("maxspeed")
    speed = parse_speed(speed_text) if speed_text is not None else 0.0
    if speed is None:
        unread.append("maxspeed")
        speed = 0.0
    return RoadTags(
        road=road,
        forward=forward,
        backward=backward,
        flags=_flags(tags, highway),
        max_kmh=speed,
        max_weight_t=_limit(tags, ("maxweight", "maxweightrating"), parse_tonnes, unread),
        max_height_m=_limit(tags, ("maxheight", "maxheight:physical"), parse_metres, unread),
        max_width_m=_limit(tags, ("maxwidth", "maxwidth:physical"), parse_metres, unread),
        unread=tuple(unread),
    )
