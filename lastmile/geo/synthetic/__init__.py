"""A made-up city at true coordinates, written as a real ``.osm.pbf``: what stands in where no map may be shipped."""

from lastmile.geo.synthetic.city import SyntheticCity, synthesize, write_city
from lastmile.geo.synthetic.places import Community
from lastmile.geo.synthetic.spec import CitySpec, District, Motorway, Ring, River, Zone, read_city

__all__ = [
    "CitySpec",
    "Community",
    "District",
    "Motorway",
    "Ring",
    "River",
    "SyntheticCity",
    "Zone",
    "read_city",
    "synthesize",
    "write_city",
]
