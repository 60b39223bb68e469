"""A whole planning run from a cold start: wall time, peak memory and where the time goes."""

import json
import tempfile
from pathlib import Path

import click

from benchmarks.processes import Run, median, run


@click.command()
@click.argument("scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(min=1), help="Processes.")
def plan(scenario: Path, runs: int) -> None:
    """Plan SCENARIO with all its outputs, in processes of their own."""
    measured: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            measured.append(run("-m", "lastmile", "plan", str(scenario), "-o", f"{folder}/plan", "--quiet"))
        made = json.loads((Path(folder) / "plan" / "plan.json").read_text(encoding="utf-8"))
    middle = median(measured)
    click.echo(f"{scenario}, median of {runs}: {middle.wall_s:.1f} s wall, {middle.peak_mb:.0f} MB at most")
    for stage, seconds in made["timings_s"].items():
        click.echo(f"  {stage:<12}{seconds:8.2f} s (last run)")
