"""``python -m benchmarks NAME``: one command per measurement."""

import click

from benchmarks.plan import plan
from benchmarks.read_map import read
from benchmarks.roads import roads


@click.group()
def main() -> None:
    """Measure lastmile beside its peers, on this machine."""


main.add_command(read)
main.add_command(plan)
main.add_command(roads)

if __name__ == "__main__":
    main()
