"""What stands between the streets of a made-up city: compounds, campuses, schools, shops, and who lives there."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.geo.synthetic.blocks import Streets, blocks, buildings, filled, halves, walled, yard
from lastmile.geo.synthetic.draft import Draft, Namer, Tags
from lastmile.geo.synthetic.spec import CitySpec
from lastmile.geo.synthetic.terrain import Floats, Terrain
from lastmile.geo.synthetic.villages import Village

CELL_M = 500.0  # population grid in town; four times as wide in the country
_STREETS = {"primary", "secondary", "tertiary", "residential", "unclassified"}
_ESTATES = (("小区", "Estate"), ("花园", "Garden"), ("家园", "Homes"), ("苑", "Court"), ("新村", "New Village"))
_BUILDING_SHARE = 0.2  # OSM holds about a fifth of the buildings of Chinese cities


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A place whose people the plans promise a station: a group of compounds, a village, a township or a campus."""

    id: str
    name: str
    district: str
    kind: Literal["community", "village", "township", "campus"]
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class _Register:
    """Writes communities down: identifiers from the city, positions in degrees."""

    spec: CitySpec
    terrain: Terrain

    def __call__(
        self,
        number: int,
        *,
        kind: Literal["community", "village", "township", "campus"],
        name: str,
        district: int,
        x: float,
        y: float,
    ) -> Community:
        lon, lat = self.terrain.plane.degrees(np.array([[x, y]]))[0].tolist()
        return Community(
            id=f"{self.spec.slug}-{kind}-{number:04d}",
            name=name,
            district=self.spec.districts[district].name,
            kind=kind,
            lon=lon,
            lat=lat,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Centres of what was built, in metres on the plane."""

    compounds: Floats
    communities: tuple[Community, ...]


def settle_town(
    draft: Draft, terrain: Terrain, spec: CitySpec, settled: list[Village], rng: np.random.Generator
) -> Settled:
    """Fill the blocks with campuses, compounds, schools, shops and works; name the places of the map."""
    streets = Streets(draft, _STREETS)
    namer = Namer(rng)
    campus_tags = [("大学", "University", "university"), ("职业技术学院", "Vocational College", "college")]
    found = [block for block in blocks(draft) if not block.intersects(terrain.bank)]
    density = terrain.density(np.array([block.representative_point().coords[0] for block in found]).reshape(-1, 2))
    town = [(block, float(thick)) for block, thick in zip(found, density, strict=True) if thick > 0.0]
    grounds = [block for block, _ in town if 90_000.0 < block.area < 700_000.0 and filled(block) > 0.75]
    chosen = {id(grounds[k]) for k in rng.permutation(len(grounds))[: 2 * spec.campuses]}
    communities: list[Community] = []
    listed = _Register(spec, terrain)
    lots: list[tuple[shapely.Polygon, float, bool]] = []
    for block, thick in town:
        if id(block) in chosen:
            outline = block.simplify(5.0)
            if isinstance(outline, shapely.Polygon):
                lots.append((outline, thick, True))
            continue
        for part in halves(block, float(rng.uniform(36_000.0, 80_000.0))):
            lot = part.buffer(-7.0, join_style="mitre").simplify(3.0)
            if isinstance(lot, shapely.Polygon) and not lot.interiors and lot.area > 7_000.0 and filled(lot) > 0.6:
                lots.append((lot, thick, False))
    neighbours = shapely.STRtree([lot for lot, _, _ in lots])
    weight = rng.random(len(lots)) ** (1.0 / (0.15 + np.array([thick for _, thick, _ in lots])))
    order = np.argsort(-weight, kind="stable")
    built: list[tuple[float, float]] = []
    campuses, left = 0, []
    for k in order:
        lot, _, campus = lots[int(k)]
        spot = lot.representative_point()
        if campus and campuses < spec.campuses:
            suffix = campus_tags[int(rng.integers(2))]
            tags = namer.tags(suffix[0], suffix[1])
            if walled(draft, streets, lot, neighbours=neighbours, tags=tags | {"amenity": suffix[2]}, rng=rng):
                campuses += 1
                district = int(terrain.nearest_district(np.array([[spot.x, spot.y]]))[0])
                communities.append(
                    listed(campuses, kind="campus", name=tags["name"], district=district, x=spot.x, y=spot.y)
                )
                continue
        if not campus and len(built) < spec.compounds:
            suffix_zh, suffix_en = _ESTATES[int(rng.integers(len(_ESTATES)))]
            tags = namer.tags(suffix_zh, suffix_en) | {"landuse": "residential"}
            if walled(draft, streets, lot, neighbours=neighbours, tags=tags, rng=rng):
                built.append((spot.x, spot.y))
                if rng.random() < _BUILDING_SHARE:
                    buildings(draft, lot, rng)
                continue
        left.append(lots[int(k)])
    _other_uses(draft, streets, left, neighbours=neighbours, rng=rng)
    compounds = np.array(built).reshape(-1, 2)
    communities += _communities(draft, terrain, listed, compounds, namer)
    communities += _country(draft, listed, settled, rng)
    _points_of_interest(draft, streets, terrain, compounds, rng=rng)
    for (x, y), seat in zip(terrain.centres.tolist(), spec.districts, strict=True):
        place = "suburb" if seat.kind == "urban" else "town"
        draft.node(x + 20, y + 20, {"place": place, "name": seat.name, "name:en": seat.name_en})
    draft.node(0.0, 30.0, {"place": "city", "name": f"{spec.name_zh}市", "name:en": spec.name})
    streets.settle()
    _water(draft, terrain)
    return Settled(compounds=compounds, communities=tuple(communities))


def _other_uses(
    draft: Draft,
    streets: Streets,
    lots: list[tuple[shapely.Polygon, float, bool]],
    *,
    neighbours: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Schools, clinics, trade, works, parks on the lots that are no compounds; half of the edge stays farmland."""
    namer = Namer(rng)
    squares = stranded = 0
    for lot, thick, _ in lots:
        draw = float(rng.random())
        if thick > 0.6 and squares < 2 and lot.area < 60_000:
            squares += 1
            core = lot.buffer(-10.0, join_style="mitre")
            if not isinstance(core, shapely.Polygon):
                continue
            way = draft.area(core, namer.tags("广场", "Square") | {"highway": "pedestrian", "area": "yes"})
            corner = draft.ways[way][0][0]
            foot = streets.foot(*draft.points[corner])
            link = shapely.LineString([draft.points[corner], foot[2:]]) if foot else None
            if foot is not None and len(neighbours.query(link, predicate="intersects")) == 1:
                draft.way([corner, streets.attach(*foot)], {"highway": "footway"})
        elif thick < 0.3 and draw < 0.5:
            uses: list[Tags] = [{"landuse": "industrial"}, {"landuse": "farmland"}, {"landuse": "forest"}]
            tags = uses[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
            if tags["landuse"] == "industrial":
                tags = namer.tags("产业园", "Industrial Park") | tags
                yard(draft, streets, lot, neighbours=neighbours, joined=stranded >= 2)
                stranded += 1
            draft.area(lot, tags)
        elif draw < 0.09:
            suffix = ("小学", "Primary School") if draw < 0.05 else ("中学", "Middle School")
            draft.area(lot, namer.tags(*suffix) | {"amenity": "school"})
        elif draw < 0.11:
            draft.area(lot, namer.tags("医院", "Hospital") | {"amenity": "hospital"})
        elif draw < 0.22:
            draft.area(lot, namer.tags("商务中心", "Business Centre") | {"landuse": "commercial"})
            spot = lot.representative_point()
            slab = shapely.box(spot.x - 18, spot.y - 12, spot.x + 18, spot.y + 12)
            draft.area(slab, {"building": "office", "office": "government" if draw < 0.14 else "company"})
        elif draw < 0.28:
            draft.area(lot, namer.tags("购物广场", "Shopping Centre") | {"landuse": "retail"})
            spot = lot.representative_point()
            draft.node(spot.x, spot.y, namer.tags("商场", "Mall") | {"shop": "mall"})
        elif draw < 0.34:
            draft.area(lot, namer.tags("公园", "Park") | {"leisure": "park"})
        elif draw < 0.7:  # an old quarter without walls
            draft.area(lot, {"landuse": "residential"})


def _communities(draft: Draft, terrain: Terrain, listed: _Register, compounds: Floats, namer: Namer) -> list[Community]:
    """Group compounds by cells of 900 m and by district; a neighbourhood node stands at the mean of each group."""
    if not len(compounds):
        return []
    cells = np.floor(compounds / 900.0).astype(np.int64)
    keys, group = np.unique(np.column_stack([terrain.nearest_district(compounds), cells]), axis=0, return_inverse=True)
    result = []
    for number, key in enumerate(keys):
        x, y = compounds[group.ravel() == number].mean(axis=0)
        tags = namer.tags("社区", "Community") | {"place": "neighbourhood"}
        draft.node(x, y, tags)
        result.append(
            listed(number + 1, kind="community", name=tags["name"], district=int(key[0]), x=float(x), y=float(y))
        )
    return result


def _country(draft: Draft, listed: _Register, settled: list[Village], rng: np.random.Generator) -> list[Community]:
    """Place nodes of villages and townships, with a shop in some and fields around others."""
    result = []
    for number, village in enumerate(settled, start=1):
        kind: Literal["township", "village"] = "township" if village.town else "village"
        place = "town" if village.town else ("village" if rng.random() < 0.8 else "hamlet")
        draft.node(village.x + 6, village.y + 6, {"place": place, "name": village.name})
        if village.town:
            draft.node(village.x + 30, village.y - 25, {"amenity": "post_office", "name": f"{village.name}邮政所"})
        if rng.random() < 0.4:
            draft.node(village.x - 25, village.y + 20, {"shop": "convenience"})
        if rng.random() < 0.3:
            size = rng.uniform(60, 140, 2)
            field_at = (village.x + 450.0, village.y + 300.0)
            use = "farmland" if rng.random() < 0.7 else "forest"
            draft.area(shapely.box(*field_at, field_at[0] + size[0], field_at[1] + size[1]), {"landuse": use})
        result.append(listed(number, kind=kind, name=village.name, district=village.district, x=village.x, y=village.y))
    return result


def _points_of_interest(
    draft: Draft, streets: Streets, terrain: Terrain, compounds: Floats, *, rng: np.random.Generator
) -> None:
    """Shops, post offices and chargers at the kerb near compounds, none on the carriageway."""
    if not len(compounds):
        return
    namer = Namer(rng)
    shares: tuple[tuple[float, Tags, str, str], ...] = (
        (0.45, {"shop": "convenience"}, "便利店", "Convenience Store"),
        (0.15, {"shop": "supermarket"}, "超市", "Supermarket"),
        (0.05, {"amenity": "post_office"}, "邮政支局", "Post Office"),
        (0.07, {"amenity": "charging_station"}, "充电站", "Charging Station"),
    )
    for share, tags, suffix, english in shares:
        for _ in range(round(share * len(compounds))):
            near = compounds[rng.integers(len(compounds))] + rng.normal(0, 120, 2)
            foot = streets.foot(float(near[0]), float(near[1]))
            if foot is None:
                continue
            aside = near - np.array(foot[2:])
            x, y = np.array(foot[2:]) + 13.0 * aside / max(float(np.hypot(*aside)), 1e-6)
            if not terrain.bank.contains(shapely.Point(x, y)):
                draft.node(float(x), float(y), namer.tags(suffix, english) | tags)


def _water(draft: Draft, terrain: Terrain) -> None:
    for river, line in terrain.rivers:
        tags = {"name": river.name, "name:en": river.name_en}
        draft.way([draft.node(x, y) for x, y in line.simplify(5.0).coords], tags | {"waterway": "river"})
        surface = line.buffer(river.width_m / 2, quad_segs=4).simplify(4.0)
        if isinstance(surface, shapely.Polygon):
            draft.area(surface, tags | {"natural": "water", "water": "river"})


def population_grid(
    terrain: Terrain, spec: CitySpec, compounds: Floats, settled: list[Village]
) -> tuple[Floats, NDArray[np.int64]]:
    """Spread every district's residents over cells of 500 m in town and of 2 km in the country.

    Returns
    -------
    tuple
        Cell centres in metres on the plane, shape (n, 2), and residents, int64, which sum over each district to
        its population times the scale, rounded.
    """
    reach = int(np.ceil(max(terrain.radii) / CELL_M))
    steps = np.arange(-reach, reach + 1)
    around = np.stack(np.meshgrid(steps, steps), axis=2).reshape(-1, 2)
    cells = np.unique(
        (np.round(terrain.centres / CELL_M).astype(np.int64)[:, None, :] + around[None]).reshape(-1, 2), axis=0
    )
    town = (cells + 0.5) * CELL_M
    thick = terrain.density(town)
    keep = (thick > 0.02) & ~shapely.contains_xy(terrain.water, town)
    town, thick = town[keep], thick[keep]
    homes = shapely.STRtree(np.asarray(shapely.points(compounds)))
    boxes = shapely.box(town[:, 0] - 400, town[:, 1] - 400, town[:, 0] + 400, town[:, 1] + 400)
    count = np.bincount(homes.query(boxes)[0], minlength=len(town)) if len(compounds) else np.zeros(len(town))
    town_weight = thick * (0.3 + count)
    wide = 4 * CELL_M
    homesteads = np.array([(village.x, village.y) for village in settled]).reshape(-1, 2)
    ones = np.array([4.0 if village.town else 1.0 for village in settled])
    rural, index = np.unique(np.floor(homesteads / wide).astype(np.int64), axis=0, return_inverse=True)
    rural_weight = np.bincount(index.ravel(), weights=ones, minlength=len(rural))
    points = np.vstack([town, (rural + 0.5) * wide])
    weight = np.concatenate([town_weight, rural_weight])
    urban = np.arange(len(points)) < len(town)
    owner = terrain.nearest_district(points)
    people = np.zeros(len(points), dtype=np.int64)
    for number, district in enumerate(spec.districts):
        total = round(district.population * spec.scale)
        mine = owner == number
        if not (mine & ~urban).any():
            share = 1.0
        else:
            share = 0.95 if district.kind == "urban" and district.town_radius_km is None else 0.42
        exact = np.zeros(len(points))
        for group, part in ((mine & urban, share), (mine & ~urban, 1.0 - share)):
            if group.any():
                exact[group] = total * part * weight[group] / weight[group].sum()
        whole = np.floor(exact).astype(np.int64)
        rest = np.argsort(-(exact - whole), kind="stable")[: total - int(whole.sum())]
        whole[rest] += 1  # largest remainders, so that not one resident is lost
        people += whole
    inhabited = people > 0
    return points[inhabited], people[inhabited]
