"""What an OpenStreetMap file says of its roads: who may use them, gates and signals on them, forbidden turns.

:mod:`lastmile.geo.pbf` reads; here the tags are understood, once per distinct combination. Real files are clipped,
repeat ids and hold nonsense: whatever cannot be used is dropped, counted and reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.errors import InputError
from lastmile.geo import tags as t
from lastmile.geo.conditions import BASE_KEYS, SUFFIX, RoadCondition, parse_clauses
from lastmile.geo.map_file import check_path
from lastmile.geo.pbf import MISSING, RawRelation, RawRoads, as_pbf, read_pbf
from lastmile.geo.tags import RoadTags, TurnRule

SYNTHETIC_GENERATOR: Final = "lastmile synthetic city"
_SCALE: Final = 1e-7  # degrees in one unit of the file's coordinates
_NODE_KEYS: Final = frozenset({"barrier", "traffic_calming", *t.SIGNAL_KEYS, *t.ACCESS_KEYS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What of a map is used.

    Parameters
    ----------
    ferries
        Also ways with ``route=ferry``.
    turn_restrictions
        Turn restrictions are applied; without them every turn is free.
    """

    ferries: bool = False
    turn_restrictions: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Nodes that hold somebody up, by ascending id.

    Parameters
    ----------
    node
        int64 OSM ids.
    barrier
        uint8, bits of the modes that a barrier keeps out.
    signals, calming
        uint8, bits of the directions along the way (``tags.FORWARD``, ``tags.BACKWARD``) in which vehicles are slowed.
    """

    node: NDArray[np.int64]
    barrier: NDArray[np.uint8]
    signals: NDArray[np.uint8]
    calming: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Highways:
    """Roads of a file, as flat arrays over all their node references.

    Parameters
    ----------
    offset
        int64, shape (ways + 1,): way ``i`` has references ``offset[i]:offset[i + 1]``.
    node
        int64, OSM node ids.
    lon, lat
        float64 degrees, NaN where the node is not in the file.
    way
        int64, OSM way ids.
    kind
        int32, index into ``tags`` and ``conditions``.
    tags
        The distinct tag combinations that occur; with conditional tags, who may use the road at some hour.
    conditions
        Beside each combination what changes by the hour or with the vehicle, None where nothing does.
    name
        int32, index into ``names``.
    turns
        Turn restrictions.
    dropped
        What was left out and why, counted.
    """

    offset: NDArray[np.int64]
    node: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    way: NDArray[np.int64]
    kind: NDArray[np.int32]
    tags: tuple[RoadTags, ...]
    conditions: tuple[RoadCondition | None, ...]
    name: NDArray[np.int32]
    names: tuple[str, ...]
    marks: Marks
    turns: tuple[TurnRule, ...]
    dropped: Mapping[str, int]
    synthetic: bool


@dataclass(slots=True)
class _Dropped:
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, number: int = 1) -> None:
        if number:
            self.counts[reason] = self.counts.get(reason, 0) + number


def read_highways(path: Path, options: ReadOptions = ReadOptions()) -> Highways:
    """Read every way that someone may walk or drive on.

    Raises
    ------
    InputError
        When the file is missing, of an unknown kind, cut, or has no usable road.
    """
    check_path(path)
    with as_pbf(path) as pbf:
        raw = read_pbf(
            pbf,
            way_filter={"highway": None, **({"route": frozenset({"ferry"})} if options.ferries else {})},
            way_keys=frozenset(t.KEYS),
            way_suffixes=(SUFFIX,),
            node_keys=_NODE_KEYS,
            relation_filter=("type", "restriction"),
        )
    return understand(raw, source=str(path), options=options)


def understand(raw: RawRoads, *, source: str, options: ReadOptions = ReadOptions()) -> Highways:
    """Give every road's tags their meaning.

    Raises
    ------
    InputError
        When no road is usable, or none has a place.
    """
    dropped = _Dropped()
    dropped.add("ways whose id occurs twice (the first is kept)", raw.repeated_ways)
    times = np.bincount(raw.tags, minlength=len(raw.combinations)).tolist()
    kinds: list[tuple[RoadTags, RoadCondition | None]] = []
    renumber = np.full(len(raw.combinations), -1, dtype=np.int32)
    for index, (combination, number) in enumerate(zip(raw.combinations, times, strict=True)):
        kind = _kind(combination, number, dropped)
        if kind is not None:
            renumber[index] = len(kinds)
            kinds.append(kind)
    kind_of = renumber[raw.tags]
    kept = kind_of >= 0
    dropped.add("ways that are no road or path, or closed to everyone", int((~kept).sum()))
    if not kept.any():
        raise InputError.single(
            place=source, cause="the map has no road", remedy="use an extract that keeps ways with the tag highway"
        )
    sizes = np.diff(raw.offset)
    refs = np.repeat(kept, sizes)
    x, y = raw.x[refs], raw.y[refs]
    missing = x == MISSING
    dropped.add("references of roads to nodes that are not in the file", int(missing.sum()))
    if missing.all():
        raise InputError.single(
            place=source, cause="no road's nodes have a place", remedy="take a complete extract of the region"
        )
    return Highways(
        offset=np.concatenate(([0], np.cumsum(sizes[kept]))),
        node=raw.node[refs],
        lon=np.where(missing, np.nan, x * _SCALE),
        lat=np.where(missing, np.nan, y * _SCALE),
        way=raw.way[kept],
        kind=kind_of[kept],
        tags=tuple(tags for tags, _ in kinds),
        conditions=tuple(condition for _, condition in kinds),
        name=raw.name[kept],
        names=raw.names,
        marks=_marks(raw),
        turns=_turn_rules(raw.relations, dropped) if options.turn_restrictions else (),
        dropped=dropped.counts,
        synthetic=raw.generator == SYNTHETIC_GENERATOR,
    )


def _kind(
    combination: Mapping[str, str], number: int, dropped: _Dropped
) -> tuple[RoadTags, RoadCondition | None] | None:
    """A combination of tags and what of it is conditional; None where nobody may ever use the road."""
    tags, conditional = {}, False
    for key, value in combination.items():
        base = key.removesuffix(SUFFIX)
        if base == key:
            tags[key] = value
        elif base in BASE_KEYS and parse_clauses(value) is not None:
            tags[key] = value
            conditional = True
        elif base in BASE_KEYS:
            dropped.add(f"values of {key} not understood (the road is taken as it is at other hours)", number)
        elif base in t.KEYS:
            dropped.add(f"values of {key} (not applied)", number)
    road = t.read_any_road(tags)
    if road is None:
        return None
    condition = RoadCondition(tags=dict(sorted(tags.items()))) if conditional else None
    if condition is not None:
        forward, backward = condition.ever()
        # A rule for who is never let in, or that no vehicle planned here can meet, changes nothing.
        road = replace(road, forward=forward, backward=backward)
    if not road.forward | road.backward:
        return None
    for key in road.unread:
        reason = "closed to vehicles" if key == "oneway" else "treated as absent"
        dropped.add(f"values of {key} not understood ({reason})", number)
    return road, condition


def _marks(raw: RawRoads) -> Marks:
    combinations = raw.node_combinations
    barrier = np.array([t.blocked_by(tags) if "barrier" in tags else 0 for tags in combinations], dtype=np.uint8)
    signals = np.array([t.signals(tags) for tags in combinations], dtype=np.uint8)
    calming = np.array([t.calming(tags) for tags in combinations], dtype=np.uint8)
    matters = (barrier | signals | calming)[raw.tagged] > 0 if len(combinations) else np.zeros(0, dtype=bool)
    which = raw.tagged[matters]
    return Marks(node=raw.tagged_node[matters], barrier=barrier[which], signals=signals[which], calming=calming[which])


def _turn_rules(relations: tuple[RawRelation, ...], dropped: _Dropped) -> tuple[TurnRule, ...]:
    rules = []
    for relation in relations:
        values = t.bound_by(relation.tags)
        if not values:
            continue
        froms = [ref for role, kind, ref in relation.members if role == "from" and kind == "w"]
        nodes = [ref for role, kind, ref in relation.members if role == "via" and kind == "n"]
        ways = [ref for role, kind, ref in relation.members if role == "via" and kind == "w"]
        tos = [ref for role, kind, ref in relation.members if role == "to" and kind == "w"]
        if not froms or not tos or len(nodes) + bool(ways) != 1:
            dropped.add("turn restrictions that lack a member (not applied)")
            continue
        for text, modes, conditional in values:
            clauses = parse_clauses(text) if conditional else None
            if conditional and clauses is None:
                dropped.add("turn restrictions by hour not understood (not applied)")
                continue
            kinds = {clause.value for clause in clauses} if clauses else {text}
            if len(kinds) != 1 or not (kind := kinds.pop()).startswith(("no_", "only_")):
                dropped.add("turn restrictions of an unknown kind (not applied)")
                continue
            rules += [
                TurnRule(
                    from_way=a,
                    via_node=nodes[0] if nodes else None,
                    via_ways=tuple(ways),
                    to_way=b,
                    only=kind.startswith("only_"),
                    modes=modes,
                    when=text if conditional else "",
                )
                for a in froms
                for b in tos
            ]
    return tuple(rules)
