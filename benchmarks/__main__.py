"""``python -m benchmarks NAME``: one command per measurement."""

import click

from benchmarks.plan import plan
from benchmarks.read_map import read


@click.group()
def main() -> None:
    """Measure lastmile beside its peers, on this machine."""


main.add_command(read)
main.add_command(plan)

if __name__ == "__main__":
    main()
