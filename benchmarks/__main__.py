"""``python -m benchmarks NAME``: one command per measurement."""

import click

from benchmarks.distances.command import distances
from benchmarks.plan import plan
from benchmarks.roads.command import roads
from benchmarks.routing.compare_command import compare
from benchmarks.routing.growth_command import growth
from benchmarks.siting.command import siting
from benchmarks.solve import solve


@click.group()
def main() -> None:
    """Measure lastmile beside its peers, on this machine."""


main.add_command(compare)
main.add_command(distances)
main.add_command(growth)
main.add_command(plan)
main.add_command(roads)
main.add_command(siting)
main.add_command(solve)

if __name__ == "__main__":
    main()
