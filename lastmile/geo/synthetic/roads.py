"""Where the roads of a made-up city run: town streets, riversides, rings, county roads and motorways."""

import itertools
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from lastmile.geo.synthetic.draft import Line, Namer, Tags, parts
from lastmile.geo.synthetic.spec import CitySpec, Ring
from lastmile.geo.synthetic.terrain import Floats, Terrain, resampled, ring_line, shifted

SPACING_M = 310.0  # between neighbouring streets in a dense quarter
_LOCAL, _MIDDLE = "residential", "tertiary"
_CLASS_OF_EIGHTH = ("primary", _LOCAL, _MIDDLE, _LOCAL, "secondary", _LOCAL, _MIDDLE, _LOCAL)
_DENSITY_NEEDED = {"primary": 0.0, "secondary": 0.02, "tertiary": 0.12, "residential": 0.34}


def dual(points: Floats, half_gap_m: float, tags: Tags, *, noded: bool = True, level: str = "ground") -> list[Line]:
    """Two one-way carriageways; those of an open line meet at its ends, so that one can turn round there."""
    sides = [shifted(points, half_gap_m), shifted(points[::-1], half_gap_m)]
    if not np.allclose(points[0], points[-1]):
        for side, (first, last) in zip(sides, ((points[0], points[-1]), (points[-1], points[0])), strict=True):
            side[0], side[-1] = first, last
    return [Line(points=side, tags=tags | {"oneway": "yes"}, noded=noded, level=level) for side in sides]


def _runs(kept: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def grid_lines(terrain: Terrain, spec: CitySpec, avoid: BaseGeometry, rng: np.random.Generator) -> list[Line]:
    """Streets of all towns: one lattice, uneven like a surveyed but old city, kept where the town is dense enough."""
    low = (terrain.centres - terrain.radii[:, None]).min(axis=0) - 2000.0
    high = (terrain.centres + terrain.radii[:, None]).max(axis=0) + 2000.0
    if not terrain.outer.is_empty:
        bounds = np.array(terrain.outer.bounds)
        low, high = np.minimum(low, bounds[:2]), np.maximum(high, bounds[2:])
    first, last = np.floor(low / SPACING_M).astype(int), np.ceil(high / SPACING_M).astype(int)
    columns, rows = np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1)
    x = (columns * SPACING_M + rng.normal(0, 32, len(columns)))[:, None] + np.zeros(len(rows))
    y = (rows * SPACING_M + rng.normal(0, 32, len(rows)))[None, :] + np.zeros((len(columns), 1))
    phases = rng.uniform(0, 2 * np.pi, 4)
    warped_x = x + 130 * np.sin(y / 2300 + phases[0]) + 70 * np.sin(x / 3100 + phases[1])
    warped_y = y + 130 * np.sin(x / 2700 + phases[2]) + 70 * np.sin(y / 3300 + phases[3])
    nodes = np.stack([warped_x, warped_y], axis=2) + rng.normal(0, 5.0, (*x.shape, 2))
    flat = nodes.reshape(-1, 2)
    density = terrain.density(flat).reshape(x.shape)
    inside = shapely.contains_xy(terrain.outer, nodes[..., 0], nodes[..., 1])
    reaching = shapely.contains_xy(terrain.outer.buffer(1.1 * SPACING_M), nodes[..., 0], nodes[..., 1])
    crowded = np.zeros(x.shape, dtype=bool)
    town = (density > -0.6) | inside
    crowded[town] = shapely.distance(shapely.points(nodes[town]), avoid) < 100.0
    bridging = _street_bridges(terrain, nodes, columns, rows, density)
    forbidden = shapely.union_all([line.buffer(river.width_m / 2 + 68.0) for river, line in terrain.rivers])

    lines: list[Line] = []
    names = Namer(rng)
    for axis, numbers in ((0, columns), (1, rows)):
        for index, number in enumerate(numbers):
            points = nodes[index] if axis == 0 else nodes[:, index]
            thick = density[index] if axis == 0 else density[:, index]
            tight = crowded[index] if axis == 0 else crowded[:, index]
            within = inside[index] if axis == 0 else inside[:, index]
            almost = reaching[index] if axis == 0 else reaching[:, index]
            ringed = (within[1:] | within[:-1]) & almost[1:] & almost[:-1]
            kind = _CLASS_OF_EIGHTH[number % 8]
            middle = (thick[1:] + thick[:-1]) / 2 + rng.normal(0, 0.05, len(thick) - 1)
            kept = middle > _DENSITY_NEEDED[kind]
            if kind in ("primary", "secondary"):  # arteries reach the outermost ring road
                kept |= ringed & ((middle > -0.35) | (kind == "primary"))
            if kind == "residential":
                kept &= rng.random(len(middle)) > 0.1
            kept &= ~(tight[1:] & tight[:-1])
            for spot in bridging.get((axis, index), ()):
                kept |= np.hypot(*((points[1:] + points[:-1]) / 2 - spot).T) < 1.5 * SPACING_M
            tags = {"highway": kind} | (names.tags("路", "Road") if axis == 0 else names.tags("街", "Street"))
            if kind == "primary":
                tags |= {"maxspeed": "60", "lanes": "3"}
            elif kind == "secondary" and rng.random() < 0.3:
                tags |= {"maxspeed": "50", "lanes": "2"}
            passage = shapely.union_all(
                [shapely.Point(spot).buffer(1200.0) for spot in bridging.get((axis, index), ())]
            )
            closed = forbidden.difference(passage)
            for start, stop in _runs(kept):
                run = shapely.LineString(points[start : stop + 1])
                for part in parts(run.difference(closed) if run.intersects(closed) else run):
                    if len(part) < 2:
                        continue
                    lines += (
                        dual(part, 9.0, tags) if kind == "primary" and len(part) > 2 else [Line(points=part, tags=tags)]
                    )
    return lines


def _street_bridges(
    terrain: Terrain, nodes: Floats, columns: NDArray[np.int64], rows: NDArray[np.int64], density: Floats
) -> dict[tuple[int, int], list[Floats]]:
    """Choose which arteries cross which river, the densest quarters and the widest streets first, 800 m apart."""
    chosen: dict[tuple[int, int], list[Floats]] = {}
    for river, line in terrain.rivers:
        offers: list[tuple[float, int, int, Floats]] = []
        for axis, numbers in ((0, columns), (1, rows)):
            for index in np.flatnonzero(numbers % 4 == 0).tolist():
                points = nodes[index] if axis == 0 else nodes[:, index]
                thick = density[index] if axis == 0 else density[:, index]
                for start, stop in _runs(thick > -0.25):
                    if stop - start < 2:
                        continue
                    for spot in shapely.get_coordinates(shapely.LineString(points[start:stop]).intersection(line)):
                        rank = float(terrain.density(spot[None])[0]) + 0.2 * (numbers[index] % 8 == 0)
                        offers.append((-rank, axis, index, spot))
        taken: list[Floats] = []
        for _, axis, index, spot in sorted(offers, key=lambda offer: offer[:3]):
            if len(taken) < river.bridges and all(np.hypot(*(spot - other)) > 800.0 for other in taken):
                taken.append(spot)
                chosen.setdefault((axis, index), []).append(spot)
    return chosen


def river_roads(terrain: Terrain) -> list[Line]:
    """A street and a cycleway along both banks wherever the river runs through a town."""
    lines = []
    for river, centre in terrain.rivers:
        for offset, least, tags in (
            (70.0, 0.02, {"highway": "secondary"}),
            (38.0, 0.3, {"highway": "cycleway", "foot": "yes"}),
        ):
            outline = shapely.get_coordinates(centre.buffer(river.width_m / 2 + offset).exterior)
            outline = resampled(outline, 120.0)
            for start, stop in _runs(terrain.density(outline) > least):
                points = outline[start:stop]
                if len(points) < 4:
                    continue
                middle = points[len(points) // 2]
                north = (
                    middle[1] > shapely.get_coordinates(centre.interpolate(centre.project(shapely.Point(middle))))[0, 1]
                )
                side = "北" if north else "南"
                english = f"{river.name_en} {'North' if north else 'South'} Riverside"
                name = {
                    "name": f"{river.name}{side}路" if least < 0.1 else f"{river.name}{side}岸绿道",
                    "name:en": english,
                }
                lines.append(Line(points=points, tags=tags | name))
    return lines


def ring_roads(terrain: Terrain, ring: Ring) -> list[Line]:
    """A trunk ring; an elevated one stands over a surface primary and is reached by ramps."""
    centre = ring_line(ring)
    if not ring.elevated:
        # side roads, where people walk and cycle, are not drawn apart
        tags = {"highway": "trunk", "name": ring.name, "maxspeed": "80", "lanes": "3"}
        tags |= {"sidewalk": "both", "foot": "yes", "bicycle": "yes"}
        return _by_side(ring, dual(centre, 12.0, tags))
    above = dual(centre, 8.0, {"highway": "trunk", "maxspeed": "80", "lanes": "3"}, noded=False, level=ring.id)
    above = [replace(line, tags=line.tags | {"bridge": "yes", "layer": "1"}) for line in above]
    below = dual(centre, 18.0, {"highway": "primary", "maxspeed": "60", "lanes": "2"})
    ramps = []
    link = {"highway": "trunk_link", "oneway": "yes", "bridge": "yes", "layer": "1", "maxspeed": "40"}
    for upper, lower in zip(above, below, strict=True):
        for start in range(4, len(centre) - 8, 15):
            off = np.vstack([upper.points[start], (upper.points[start + 1] + lower.points[start + 1]) / 2])
            on = np.vstack([lower.points[start + 4], (upper.points[start + 5] + lower.points[start + 5]) / 2])
            off, on = np.vstack([off, lower.points[start + 2]]), np.vstack([on, upper.points[start + 6]])
            if shapely.LineString(np.vstack([off, on])).distance(terrain.bank) < 60.0:
                continue
            ramps.append(Line(points=off, tags=link, noded=False, ends=(ring.id, "ground"), level=f"{ring.id} ramp"))
            ramps.append(Line(points=on, tags=link, noded=False, ends=("ground", ring.id), level=f"{ring.id} ramp"))
    return [*_by_side(ring, above, "高架"), *_by_side(ring, below), *ramps]


def _by_side(ring: Ring, lines: list[Line], ending: str = "") -> list[Line]:
    """Cut a ring where it turns a corner, because every side has a name of its own."""
    if not ring.side_names:
        return [replace(line, tags=line.tags | {"name": ring.name + ending}) for line in lines]
    result = []
    for line in lines:
        scaled = line.points / np.array(ring.radius_km)
        side = np.where(
            np.abs(scaled[:, 0]) >= np.abs(scaled[:, 1]),
            np.where(scaled[:, 0] > 0, 0, 2),
            np.where(scaled[:, 1] > 0, 1, 3),
        )
        cuts = [0, *(np.flatnonzero(np.diff(side)) + 1).tolist(), len(side) - 1]
        for start, stop in itertools.pairwise(cuts):
            if stop > start:
                name = ring.side_names[int(side[start])] + ending
                result.append(replace(line, points=line.points[start : stop + 1], tags=line.tags | {"name": name}))
    return result


def county_roads(terrain: Terrain, spec: CitySpec, rng: np.random.Generator) -> list[Line]:
    """A tree of roads from every town towards the centre, plus cross links between neighbouring county towns."""
    lines = []
    centres, away = terrain.centres, np.hypot(*terrain.centres.T)
    order = np.argsort(away, kind="stable")
    pairs: list[tuple[int, int | None]] = []
    for position, town in enumerate(order):
        closer = order[:position]
        gaps = np.hypot(*(centres[closer] - centres[town]).T) + 0.25 * away[closer]
        pairs.append((int(town), int(closer[gaps.argmin()]) if len(closer) else None))
    linked = {frozenset(pair) for pair in pairs}
    outlying = ~shapely.contains_xy(terrain.outer, centres[:, 0], centres[:, 1])
    for town in order[outlying[order]]:
        gaps = np.hypot(*(centres - centres[town]).T)
        near_by = [int(k) for k in np.argsort(gaps, kind="stable")[1:] if outlying[k]][:3]
        for near in [k for k in near_by if frozenset((int(town), k)) not in linked][:2]:
            linked.add(frozenset((int(town), near)))
            pairs.append((int(town), near))
    core = terrain.outer.buffer(-30.0)
    for number, (town, other) in enumerate(pairs):
        start, goal = centres[town], np.zeros(2) if other is None else centres[other]
        length = float(np.hypot(*(goal - start)))
        if length < 500.0:
            continue
        tree = number < len(order)
        marks = np.linspace(0.0, 1.0, max(4, round(length / 350.0)))
        sway = sum(rng.normal(0.0, 0.035 / wave) * np.sin(np.pi * wave * marks) for wave in (1, 2, 3, 5, 8)) * min(
            length, 30_000.0
        )
        across = np.array([goal[1] - start[1], start[0] - goal[0]]) / length
        points = start + marks[:, None] * (goal - start) + np.asarray(sway)[:, None] * across
        name = (
            f"{spec.districts[other].name[0] if other is not None else spec.name_zh[0]}{spec.districts[town].name[0]}"
        )
        kind = ("primary" if length > 12_000.0 else "secondary") if tree else "tertiary"
        tags = {"highway": kind, "name": f"{name}{'公路' if tree else '线'}", "lanes": "2"}
        if tree:
            tags |= {"ref": f"{'G' if kind == 'primary' else 'S'}{310 + number}", "maxspeed": "70"}
        lines += [
            Line(points=part, tags=tags)
            for part in parts(shapely.LineString(points).difference(core))
            if len(part) > 2 or np.hypot(*(part[1] - part[0])) > 200.0
        ]
    return lines


def motorways(terrain: Terrain, spec: CitySpec, ground: list[Line]) -> list[Line]:
    """Motorways over everything else, with a diamond junction at the county roads and ring roads they meet."""
    roads = [
        line
        for line in ground
        if "lanes" in line.tags and line.noded and line.tags["highway"] not in ("primary", "secondary")
    ]
    roads += [line for line in ground if "ref" in line.tags]
    shapes = [shapely.LineString(line.points) for line in roads]
    lines: list[Line] = []
    for motorway in spec.motorways:
        centre = resampled(terrain.plane.metres(motorway.line), 200.0)
        axis = shapely.LineString(centre)
        exits: list[float] = []
        stops: list[tuple[float, int]] = []
        for index, shape in enumerate(shapes):
            for spot in shapely.get_coordinates(shape.intersection(axis)):
                along = axis.project(shapely.Point(spot))
                clear = all(abs(along - other) > 2500.0 for other in exits) and 900.0 < along < axis.length - 900.0
                if clear and terrain.bank.distance(shapely.Point(spot)) > 700.0:
                    exits.append(along)
                    stops.append((along, index))
        marks = np.unique(
            np.concatenate([np.arange(0.0, axis.length, 200.0), [axis.length], *[[e - 420, e + 420] for e in exits]])
        )
        centre = shapely.get_coordinates(shapely.line_interpolate_point(axis, marks))
        tags = {"highway": "motorway", "name": motorway.name, "ref": motorway.ref, "maxspeed": "120", "lanes": "2"}
        ways = dual(centre, 12.0, tags, noded=False, level=motorway.ref)
        lines += ways
        for along, index in stops:
            before, after = (int(np.abs(marks - along - shift).argmin()) for shift in (-420.0, 420.0))
            for way, first, last in ((ways[0], before, after), (ways[1], -1 - after, -1 - before)):
                leave, join = way.points[first], way.points[last]
                middle = (leave + join) / 2
                right = np.array([join[1] - leave[1], leave[0] - join[0]])
                target = middle + 90.0 * right / np.hypot(*right)
                foot = shapely.get_coordinates(shapes[index].interpolate(shapes[index].project(shapely.Point(target))))[
                    0
                ]
                if np.hypot(*(foot - target)) > 80.0:
                    continue
                link = {"highway": "motorway_link", "oneway": "yes", "maxspeed": "40"}
                for path, ends in (
                    ([leave, (leave + foot) / 2, foot], (motorway.ref, "ground")),
                    ([foot, (foot + join) / 2, join], ("ground", motorway.ref)),
                ):
                    lines.append(
                        Line(points=np.array(path), tags=link, noded=False, level=f"{motorway.ref} ramp", ends=ends)
                    )
                roads[index] = _with_vertex(roads[index], foot, ground)
                shapes[index] = shapely.LineString(roads[index].points)
    return lines


def _with_vertex(line: Line, spot: Floats, lines: list[Line]) -> Line:
    """Insert a vertex into a line and replace it in ``lines``."""
    shape = shapely.LineString(line.points)
    along = shapely.line_locate_point(shape, shapely.points(line.points[1:-1]))
    place = 1 + int(np.searchsorted(along, shape.project(shapely.Point(spot))))
    changed = replace(line, points=np.insert(line.points, place, spot, axis=0))
    lines[next(number for number, other in enumerate(lines) if other is line)] = changed
    return changed
