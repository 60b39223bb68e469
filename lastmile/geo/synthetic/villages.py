"""Villages and townships of a made-up city, strung along its county roads."""

from dataclasses import dataclass

import numpy as np
import shapely

from lastmile.geo.synthetic.draft import Line, Namer
from lastmile.geo.synthetic.spec import CitySpec
from lastmile.geo.synthetic.terrain import Floats, Terrain


@dataclass(frozen=True, slots=True, kw_only=True)
class Village:
    """A settlement outside the towns; ``x`` and ``y`` in metres on the plane."""

    name: str
    district: int
    town: bool
    x: float
    y: float


def villages(
    terrain: Terrain, spec: CitySpec, roads: list[Line], rng: np.random.Generator
) -> tuple[list[Line], list[Village]]:
    """Place villages off the country roads and join each to its road; every eighth is a township on a wider grid.

    Returns
    -------
    tuple
        Lines to add before the network is joined, and the villages.
    """
    country = [line.points[1:-1] for line in roads if "name" in line.tags and line.noded]
    if not country:
        return [], []
    anchors = np.vstack(country)
    anchors = anchors[terrain.density(anchors) < -0.05]
    anchors = anchors[shapely.distance(shapely.points(anchors), terrain.bank) > 400.0]
    anchors = anchors[~shapely.contains_xy(terrain.outer.buffer(300.0), anchors)] if len(anchors) else anchors
    of_district = terrain.nearest_district(anchors)
    namer = Namer(rng)
    lines: list[Line] = []
    placed: list[Village] = []
    spots = np.empty((0, 2))
    for number, district in enumerate(spec.districts):
        mine = anchors[of_district == number]
        wanted = district.villages if len(mine) else 0
        for _ in range(40 * wanted):
            if wanted == 0:
                break
            town = wanted % 8 == 1
            anchor = mine[rng.integers(len(mine))]
            reach = rng.uniform(350.0, 700.0) if town else rng.uniform(500.0, 2600.0)
            angle = rng.uniform(0, 2 * np.pi)
            centre = anchor + reach * np.array([np.cos(angle), np.sin(angle)])
            spread = 900.0 if town else 650.0
            if len(spots) and np.hypot(*(spots - centre).T).min() < spread:
                continue
            if terrain.density(centre[None])[0] > -0.1 or terrain.outer.buffer(400.0).contains(shapely.Point(centre)):
                continue
            link = np.vstack([anchor, (anchor + centre) / 2 + rng.normal(0, 0.06 * reach, 2), centre])
            if shapely.LineString(link).distance(terrain.bank) < 350.0:
                continue
            wanted -= 1
            spots = np.vstack([spots, centre])
            name, _ = namer.pair()
            ending = ("镇", " Town") if town else ("村", " Village")
            kind = "tertiary" if town else "unclassified"
            lines.append(Line(points=link, tags={"highway": kind, "name": name + ("路" if town else "村路")}))
            lines += _village_streets(centre, link[1] - anchor, town=town, rng=rng)
            mine = np.vstack([mine, np.tile(centre, (3, 1))])  # the next village may lie beyond this one
            placed.append(
                Village(name=name + ending[0], district=number, town=town, x=float(centre[0]), y=float(centre[1]))
            )
    return lines, placed


def _village_streets(centre: Floats, towards: Floats, *, town: bool, rng: np.random.Generator) -> list[Line]:
    """A main street, lanes across it, a field track and a yard at its end."""
    ahead = towards / np.hypot(*towards)
    aside = np.array([ahead[1], -ahead[0]])
    half, count = (260.0, 4) if town else (rng.uniform(110.0, 190.0), int(rng.integers(1, 4)))
    main = np.vstack([centre, centre + half * ahead + rng.normal(0, 8, 2)])
    lines = [Line(points=main, tags={"highway": "tertiary" if town else "unclassified"})]
    for step in range(count):
        at = main[0] + (step + 0.3) / count * (main[1] - main[0])
        reach = rng.uniform(70.0, 160.0, 2) * (1.7 if town else 1.0)
        lines.append(
            Line(points=np.vstack([at - reach[0] * aside, at, at + reach[1] * aside]), tags={"highway": "residential"})
        )
    if rng.random() < 0.5:
        far = main[1] + rng.uniform(200, 500) * ahead + rng.uniform(-200, 200) * aside
        lines.append(Line(points=np.vstack([main[1], far]), tags={"highway": "track", "tracktype": "grade3"}))
    else:
        yard = main[1] + rng.uniform(50, 90) * aside
        lines.append(Line(points=np.vstack([main[1], yard]), tags={"highway": "service"}))
    return lines
