"""``python -m benchmarks NAME``: one command per measurement."""

import click

from benchmarks.distances.command import distances
from benchmarks.plan import plan
from benchmarks.roads.command import roads


@click.group()
def main() -> None:
    """Measure lastmile beside its peers, on this machine."""


main.add_command(distances)
main.add_command(plan)
main.add_command(roads)

if __name__ == "__main__":
    main()
