"""``python -m benchmarks distances``: lastmile's shortest distances beside osmnx's, every difference explained."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.distances.explain import Comparison, Difference, compare

_WORST = 10


@click.command()
@click.argument("osm", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--pairs", default=1000, show_default=True, type=click.IntRange(min=1), help="Pairs of junctions.")
@click.option("--seed", default=1, show_default=True, help="Of the draw of pairs.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Also as JSON.")
def distances(osm: Path, pairs: int, seed: int, as_json: Path | None) -> None:
    """Compare a van's shortest distances on OSM with osmnx's, between junctions that both networks have.

    osmnx is given the ways that it would itself have downloaded for network_type "drive_service": parcels are delivered
    on service roads too, and what osmnx leaves out of them or lets in shall be seen as a difference, not be hidden by
    giving it lastmile's own choice of ways.
    """
    found = compare(osm, pairs, seed=seed)
    click.echo(_report(osm, found))
    if as_json:
        content = {**asdict(found), "counts": found.counts}
        as_json.write_text(json.dumps(_finite(content), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if found.unexplained:
        raise click.ClickException(f"{len(found.unexplained)} differences are unexplained")


def _report(osm: Path, found: Comparison) -> str:
    lines = [
        f"{osm.name}: {found.pairs:,} pairs of {found.common_nodes:,} common junctions; "
        f"{found.pairs - len(found.differences):,} agree within 1 % ({found.unreachable_in_both:,} of them have no way "
        f"in either), {len(found.differences):,} differ, {len(found.unexplained):,} unexplained.",
        f"Sum over pairs that both reach: lastmile {found.ours_km:,.1f} km, osmnx {found.theirs_km:,.1f} km.",
        "",
        "| cause, lifted and tried | pairs |",
        "|---|--:|",
        *(f"| {category} | {count:,} |" for category, count in found.counts.items()),
        "",
        "| from | to | lastmile, m | osmnx, m | cause | objects on the path |",
        "|--:|--:|--:|--:|---|---|",
    ]
    worst = sorted(found.differences, key=_severity, reverse=True)[:_WORST]
    shown = {id(one) for one in worst}
    lines += [_row(one) for one in [*worst, *(one for one in found.unexplained if id(one) not in shown)]]
    return "\n".join(lines)


def _severity(one: Difference) -> float:
    """How far the distances are apart, as a ratio; pairs that one program alone reaches come last."""
    low, high = sorted((one.ours_m, one.theirs_m))
    return high / low if math.isfinite(high) and low > 0 else 0.0


def _row(one: Difference) -> str:
    cells = (one.origin, one.target, _metres(one.ours_m), _metres(one.theirs_m), one.category, "; ".join(one.objects))
    return f"| {' | '.join(map(str, cells))} |"


def _metres(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "no way"


def _finite(value: object) -> object:
    """JSON knows no infinity: no way is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
