"""``python -m benchmarks NAME``: one command per measurement."""

import click

from benchmarks.read_map import read


@click.group()
def main() -> None:
    """Measure lastmile beside its peers, on this machine."""


main.add_command(read)

if __name__ == "__main__":
    main()
