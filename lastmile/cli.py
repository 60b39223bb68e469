"""The command line: parse, call, print. Data goes to stdout, progress and messages to stderr.

Exit codes: 0 done, 2 an input is at fault, 3 the plan breaks a rule or misses a target, or a recorded vehicle drove in
a zone closed to it, 1 our fault.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from lastmile.errors import InputError, LastmileError

# What a command needs is imported when it runs: `lastmile --help` must not wait for solvers and map libraries.

OUR_FAULT, INPUT, NO_PLAN = 1, 2, 3
_EVERY_S = 0.5

_OUTPUT_FILE = click.Path(path_type=Path, dir_okay=False, writable=True)

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Group(click.Group):
    """A group that turns errors into messages and exit codes, and keeps the examples of its help as written."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(str(error), err=True)
            ctx.exit(INPUT)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("stopped; nothing was written", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            ctx.exit(0)
        except Exception as error:
            if ctx.params.get("debug") or not isinstance(error, Exception):
                raise
            kind = "" if isinstance(error, LastmileError) else f" ({type(error).__name__})"
            click.echo(f"lastmile failed: {error}{kind}", err=True)
            click.echo("    remedy: this is a fault of lastmile; report it with the output of --debug", err=True)
            ctx.exit(OUR_FAULT)


class WholeNumbers(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """Whole numbers with commas between, none of them below ``least``."""

    name = "numbers"

    def __init__(self, least: int | None = None) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read them; a default that is numbers already stays as it is."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not whole numbers with commas between", param, ctx)
        if self.least is not None and min(numbers) < self.least:
            self.fail(f"{min(numbers)} is below {self.least}", param, ctx)
        return numbers


class _Progress:
    """Lines on stderr with the time since the start; fast ones are thinned out."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._start = time.monotonic()
        self._last = ("", -1.0)

    def __call__(self, stage: str, text: str) -> None:
        now = time.monotonic()
        # The first line of a stage always shows; further ones at most twice a second.
        if self._quiet or (stage == self._last[0] and now - self._last[1] < _EVERY_S and "cost" in text):
            return
        self._last = (stage, now)
        click.echo(f"{now - self._start:6.1f} s  {stage:<11} {text}", err=True)


def _scenario_options(command: _Function) -> _Function:
    for option in reversed(
        (
            click.argument("scenario", type=click.Path(path_type=Path)),
            click.option("--seed", type=click.IntRange(min=0), help="Seed of everything drawn by chance."),
            click.option("--quiet", is_flag=True, help="No progress on stderr."),
        )
    ):
        command = option(command)
    return command


def _load(path: Path, seed: int | None, seconds: float | None = None) -> Any:
    from lastmile.loading import load_scenario

    scenario = load_scenario(path)
    changes: dict[str, Any] = {}
    if seed is not None:
        changes["seed"] = seed
    if seconds is not None:
        # A third of the time for siting, the rest for rounds.
        changes["search"] = scenario.file.search.model_copy(
            update={"siting_seconds": seconds / 3, "routing_seconds": seconds * 2 / 3}
        )
    return _changed(scenario, changes)


def _changed(scenario: Any, changes: dict[str, Any]) -> Any:
    """The scenario with other values in its file."""
    return replace(scenario, file=scenario.file.model_copy(update=changes))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lastmile", prog_name="lastmile")
@click.option("--debug", is_flag=True, help="Show the traceback of unexpected errors.")
def main(debug: bool) -> None:
    """Plan last-mile parcel delivery.

    From an OpenStreetMap file to stations and parcel lockers in the right places, vehicles on the best rounds under
    the city's rules, an interactive map and a report, all offline.

    \b
    Examples:
      lastmile plan data/luoyang/scenario.toml
      lastmile check my-city.toml
      lastmile network info luoyang-latest.osm.pbf

    Exit codes: 0 done, 2 an input is at fault, 3 no feasible plan, 1 a fault of lastmile.
    """


@main.command()
@_scenario_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the plan  [default: maps/NAME]")
@click.option("--time-limit", type=click.FloatRange(min=1), metavar="SECONDS", help="Ceiling of the solvers' time.")
@click.option("--tiles", is_flag=True, help="Put OpenStreetMap tiles under the map; the page then needs the internet.")
def plan(
    scenario: Path, output: Path | None, seed: int | None, time_limit: float | None, tiles: bool, quiet: bool
) -> None:
    """Make a plan: sites, rounds, map and report.

    Writes plan.json, sites.geojson, routes.geojson, plan.gpkg, stops.csv, indicators.json, map.html and report.html
    into one folder, all of them or none; a plan that is there already is replaced only by a whole new one.
    Where targets are due by several dates, each site opens by one of them; what is open by each date is printed.

    \b
    Examples:
      lastmile plan data/luoyang/scenario.toml
      lastmile plan my-city.toml -o plans/monday --seed 7 --time-limit 120
    """
    progress = _Progress(quiet=quiet)
    loaded = _load(scenario, seed, time_limit)
    # A fault of the scenario is told before solvers and map libraries are loaded, which takes longer than to find it.
    from lastmile.output import check_target, write_outputs
    from lastmile.pipeline import plan_scenario

    folder = output if output is not None else Path("maps") / loaded.file.name
    check_target(folder)
    planned = plan_scenario(loaded, on_progress=progress)
    progress("output", "drawing the map and writing the report")
    write_outputs(planned, folder, tiles=tiles)
    progress("output", f"written to {folder}")
    _print_verdict(planned)
    if not planned.plan.feasible:
        sys.exit(NO_PLAN)


def _print_verdict(planned: Any) -> None:
    made = planned.plan
    if made.manifest.synthetic_map:
        click.echo("The map is a synthetic city: made up, not real.")
    parcels = sum(service.parcels for service in made.services)
    click.echo(f"{len(made.sites)} sites, {len(made.routes)} rounds, {parcels:,} parcels served")
    if made.siting is not None:
        # A share says little where worth and cost of the sites are nearly the same.
        yuan = (made.siting.bound_fen - made.siting.value_fen) / 100
        click.echo(f"sites: at most {made.siting.gap:.1%}, {yuan:,.0f} yuan a day, from the best possible")
        for line in made.siting.shortfalls[:10]:
            click.echo(f"  SHORT  {line}", err=True)
        for line in made.siting.relaxations[:10]:
            click.echo(f"      remedy: {line}", err=True)
    for phase in planned.indicators.get("phases", []):
        reach = "" if phase["within_reach"] is None else f", {phase['within_reach']:.1%} of parcels within reach"
        click.echo(f"  by {phase['by']}: {phase['sites']:,} sites, {phase['sites_yuan']:,.0f} yuan spent{reach}")
    for target in made.targets:
        mark = "met   " if target.met else "MISSED"
        note = f"; {target.note}" if target.note and not target.met else ""
        click.echo(f"  {mark} {target.id}: {target.reached}, required {target.required}{note}")
    for item in made.unserved[:10]:
        click.echo(f"  UNSERVED {item.order_id} ({item.parcels} parcels): {'; '.join(item.reasons[:2])}", err=True)
        click.echo(f"      remedy: {item.remedy}", err=True)
    if len(made.unserved) > 10:
        click.echo(f"  and {len(made.unserved) - 10} more orders unserved; see report.html", err=True)
    for violation in made.violations[:20]:
        click.echo(f"  VIOLATION {violation}", err=True)
    click.echo("feasible: the referee found nothing" if made.feasible else "NOT feasible; see above and report.html")


@main.command()
@_scenario_options
@click.option("--frontier", metavar="FACILITY", required=True, help="Id of the facility whose coverage is asked for.")
@click.option("--numbers", type=WholeNumbers(), default=(), help="Of sites, by commas  [default: 1, 2, 5, 10, 20, ...]")
@click.option("--budgets", type=WholeNumbers(), default=(), help="Yuan for new sites, by commas, instead of numbers.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0.1), default=10.0, show_default=True, metavar="SECONDS",
    help="Ceiling for each number or budget.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write  [default: maps/NAME-FACILITY]")
def site(
    scenario: Path,
    frontier: str,
    numbers: tuple[int, ...],
    budgets: tuple[int, ...],
    time_limit: float,
    output: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Show how much of the demand so many sites, or a budget, can cover, and what none can exceed.

    Coverage counts every parcel within the facility's walking reach of a site, over the streets; where the facility
    states who walks how far (walk_shares), the parcels that are expected. Capacities and targets play no part. Prints
    a table, and writes frontier.csv and the chart frontier.svg.

    \b
    Examples:
      lastmile site data/luoyang/scenario.toml --frontier locker
      lastmile site my-city.toml --frontier community --numbers 100,200,300 --time-limit 60
      lastmile site my-city.toml --frontier locker --budgets 500000,1000000,2000000
    """
    from lastmile.output import FRONTIER, check_target, write_frontier
    from lastmile.stages.frontier import facility_named, find_frontier
    from lastmile.stages.prepare import prepare

    progress = _Progress(quiet=quiet)
    loaded = _load(scenario, seed)
    facility = facility_named(loaded.file.facilities, frontier)
    folder = output if output is not None else Path("maps") / f"{loaded.file.name}-{facility.id}"
    check_target(folder, FRONTIER)
    city = prepare(loaded, on_progress=progress)
    made = find_frontier(
        city, facility, numbers=numbers, budgets=budgets, seconds=time_limit, seed=loaded.file.seed,
        on_progress=progress,
    )  # fmt: skip
    write_frontier(made, folder)
    progress("output", f"written to {folder}")
    if city.network.synthetic:
        click.echo("The map is a synthetic city: made up, not real.")
    _print_frontier(made)


def _print_frontier(made: Any) -> None:
    from lastmile.output.frontier_files import rows

    click.echo(
        f"{made.facility.id}: {made.candidates:,} candidates, {made.standing:,} of them exist;"
        f" {made.coverable / max(made.total, 1e-9):.1%} of {made.total:,.0f} parcels a day are"
        f"{' expected from' if made.facility.walk_shares else ''} within {made.facility.reach_m:g} m of one"
    )
    of_money = made.points[0].budget is not None
    click.echo(f"{'      budget  ' if of_money else ''}   sites        yuan  covered  at most      gap")
    for row in rows(made):
        gap = "–" if row["gap"] == "" else f"{row['gap']:.2%}"
        click.echo(
            f"{format(row['budget'], '12,.0f') + '  ' if of_money else ''}{row['sites']:8,}  {row['yuan']:10,.0f}"
            f"  {row['covered']:7.2%}  {row['at_most']:7.2%}  {gap:>7}"
        )


@main.command()
@_scenario_options
@click.option(
    "--permutations",
    type=click.IntRange(min=5),
    metavar="N",
    help="Orders of joining to draw where shares are sampled  [default: 10]",
)
@click.option(
    "--time-limit", type=click.FloatRange(min=1), metavar="SECONDS", help="Ceiling of the solvers' time for each plan."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write  [default: maps/NAME-joint]")
def joint(
    scenario: Path,
    permutations: int | None,
    time_limit: float | None,
    output: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Compare firms that deliver apart with firms that share sites and rounds, and split the joint cost.

    The firm of every order stands in the column firm of the table of orders; generated demand is dealt to the firms
    listed under demand.firms. Plans are made for each firm alone, all firms together, and coalitions between, as if
    only their orders were there: each with all candidates, depots, vehicles and permits and under all zones, but
    without the scenario's targets, which are of the whole city. Sites that exist stand for everyone and cost nobody.

    A firm's share is its Shapley value: what it adds to the cost, on average over all orders in which firms may join.
    It is exact for up to four firms and wherever sampling could need as many plans, else sampled, with its standard
    error. Coalitions that would pay less alone than their shares are named.

    Prints a table, and writes joint.csv, coalitions.csv and the chart joint.svg.

    \b
    Examples:
      lastmile joint my-city.toml
      lastmile joint my-city.toml -o plans/joint --permutations 30 --time-limit 60

    Exit codes: 0 done, 2 an input is at fault, 3 a plan leaves an order out or breaks a rule, so that costs do not
    compare, 1 a fault of lastmile.
    """
    from lastmile.joint import PERMUTATIONS, serve_jointly
    from lastmile.output import JOINT, check_target, write_joint
    from lastmile.stages.prepare import prepare

    progress = _Progress(quiet=quiet)
    loaded = _load(scenario, seed, time_limit)
    folder = output if output is not None else Path("maps") / f"{loaded.file.name}-joint"
    check_target(folder, JOINT)
    city = prepare(loaded, on_progress=progress)
    drawn = PERMUTATIONS if permutations is None else permutations
    made = serve_jointly(city, permutations=drawn, on_progress=progress)
    write_joint(made, folder)
    progress("output", f"written to {folder}")
    _print_joint(made)
    if not made.comparable:
        sys.exit(NO_PLAN)


def _print_joint(made: Any) -> None:
    if made.synthetic:
        click.echo("The map is a synthetic city: made up, not real.")
    apart, together = made.apart, made.together
    click.echo(f"{'':<12}{'apart':>12}{'together':>12}{'saved':>9}")
    for name, before, after in (
        ("yuan a day", apart.cost_fen / 100, together.cost_fen / 100),
        *((name, getattr(apart, name), getattr(together, name)) for name in ("sites", "rounds", "vehicles", "km")),
    ):
        saved = f"{(before - after) / before:.1%}" if before else "–"
        digits = 1 if isinstance(before, float) else 0
        click.echo(f"{name:<12}{before:>12,.{digits}f}{after:>12,.{digits}f}{saved:>9}")
    how = "exact" if made.exact else f"sampled by {made.permutations:,} orders of joining, each both ways"
    click.echo(f"shares from {len(made.coalitions):,} plans, {how}; yuan a day")
    click.echo(f"{'alone':>12}{'share':>12}{'error':>9}{'saved':>9}{'parcels':>10}  firm")
    for firm in made.firms:
        error = "–" if firm.error_fen is None else f"{firm.error_fen / 100:,.1f}"
        saved = "–" if firm.saving is None else f"{firm.saving:.1%}"
        click.echo(
            f"{firm.alone_fen / 100:>12,.1f}{firm.share_fen / 100:>12,.1f}{error:>9}{saved:>9}{firm.parcels:>10,}  "
            f"{firm.name or firm.id}"
        )
    unhappy = list(dict.fromkeys(coalition for firm in made.firms for coalition in firm.better_alone))
    for coalition in unhappy[:10]:
        click.echo(f"  WOULD PAY LESS ALONE  {' + '.join(coalition)}", err=True)
    if len(unhappy) > 10:
        click.echo(f"  and {len(unhappy) - 10} more; see coalitions.csv", err=True)
    looked = "no coalition" if made.exact else f"none of the {len(made.coalitions):,} coalitions planned"
    click.echo(f"{len(unhappy):,} coalitions would pay less alone" if unhappy else f"{looked} would pay less alone")
    for note, number in Counter(note for one in made.coalitions for note in one.notes).items():
        click.echo(f"note: {number:,} of {len(made.coalitions):,} plans: {note}", err=True)
    for one in made.coalitions:
        if not one.whole:
            click.echo(
                f"  NOT COMPARABLE  {' + '.join(one.firms)}: {one.unserved:,} orders left out, "
                f"{one.violations:,} rules broken",
                err=True,
            )


@main.command()
@_scenario_options
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Also let the referee check this plan.json.")
def check(scenario: Path, seed: int | None, quiet: bool, plan_file: Path | None) -> None:
    """Validate a scenario and its tables without planning; all faults in one report.

    \b
    Examples:
      lastmile check my-city.toml
      lastmile check my-city.toml --plan plans/monday/plan.json
    """
    loaded = _load(scenario, seed)
    for warning in loaded.warnings:
        click.echo(f"note: {warning}", err=True)
    file = loaded.file
    click.echo(
        f"{scenario.name}: no fault; {len(file.facilities)} facilities, {len(file.targets)} targets, "
        f"{len(file.vehicles)} vehicle types, {len(file.zones)} zones"
    )
    if plan_file is None:
        return
    from lastmile.output.plan_files import read_plan
    from lastmile.referee import check as referee
    from lastmile.stages.prepare import prepare

    made = read_plan(plan_file)
    if seed is None:  # the orders that the plan was made for
        loaded = _changed(loaded, {"seed": made.manifest.seed})
    city = prepare(loaded, on_progress=_Progress(quiet=quiet))
    violations = referee(loaded, city.network, city.demand, made)
    for violation in violations:
        click.echo(f"VIOLATION {violation}")
    click.echo(f"{plan_file}: {len(violations)} violations")
    if violations:
        sys.exit(NO_PLAN)


@main.command()
@click.option("--markdown", is_flag=True, help="Write a reference of all keys and table columns instead.")
def schema(markdown: bool) -> None:
    """Write the JSON schema of scenario files to stdout.

    \b
    Examples:
      lastmile schema > scenario.schema.json
      lastmile schema --markdown > reference.md
    """
    if markdown:
        from lastmile.scenario_docs import reference

        click.echo(reference(), nl=False)
        return
    from lastmile.scenario import ScenarioFile

    written = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioFile.model_json_schema()}
    click.echo(json.dumps(written, ensure_ascii=False, indent=2))


@main.group()
def network() -> None:
    """Read a map and look at its road network."""


@network.command("build")
@click.argument("osm", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=_OUTPUT_FILE, required=True, help="The .roads file to write.")
@click.option("--ferries", is_flag=True, help="Also ferries.")
@click.option("--no-turn-restrictions", is_flag=True, help="Without the map's turn restrictions.")
def network_build(osm: Path, output: Path, ferries: bool, no_turn_restrictions: bool) -> None:
    """Read an OpenStreetMap file and save the road network.

    The file is mapped into memory when it is used. Plans keep such a file beside their map by themselves.

    \b
    Example:
      lastmile network build luoyang-latest.osm.pbf -o luoyang.roads
    """
    from lastmile.geo.network import RoadNetwork
    from lastmile.geo.osm import ReadOptions

    if not output.resolve().parent.is_dir():
        raise InputError.single(place=str(output.parent), cause="no such folder", remedy="make it, or choose another")
    built = RoadNetwork.from_osm(osm, ReadOptions(ferries=ferries, turn_restrictions=not no_turn_restrictions))
    built.save(output)
    click.echo(f"{output}: {built.junctions:,} junctions, {built.edges:,} edges")


@network.command("info")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def network_info(source: Path, as_json: bool) -> None:
    """Describe the road network of an OpenStreetMap file or a saved .roads file.

    \b
    Example:
      lastmile network info luoyang-latest.osm.pbf
    """
    from lastmile.geo.network import RoadNetwork
    from lastmile.geo.tags import MODES

    built = RoadNetwork.load(source) if source.suffix == ".roads" else RoadNetwork.from_osm(source)
    west, south, east, north = built.bounds
    lengths = built.edge_length_m
    described: dict[str, Any] = {
        "source": built.source,
        "synthetic": built.synthetic,
        "bounds": [west, south, east, north],
        "junctions": built.junctions,
        "segments": int((built.segment_turn == 0).sum()),
        "turns": int((built.segment_turn > 0).sum()),
        "signals": int(built.edge_signals.astype(int).sum()),
        "hourly_rules": len(built.conditions),
        "edges": built.edges,
        "road_km": round(float(built.segment_length_m.sum()) / 1000, 1),
        "directed_km": {mode: round(float(lengths[built.permitted(mode)].sum()) / 1000, 1) for mode in MODES},
        "cut_off_km": {mode: round(built.cut_off[mode] / 1000, 1) for mode in MODES},
        "dropped": dict(built.dropped),
        "hash": built.hash,
    }
    if as_json:
        click.echo(json.dumps(described, ensure_ascii=False, indent=2))
        return
    if built.synthetic:
        click.echo("a synthetic city: made up, not real")
    click.echo(f"{built.source}: {west:.4f} to {east:.4f} E, {south:.4f} to {north:.4f} N")
    click.echo(f"{built.junctions:,} junctions, {described['segments']:,} segments, {described['road_km']:,} km")
    click.echo(
        f"{described['turns']:,} turns at junctions with signals or restrictions, {described['signals']:,} waits at "
        f"signals, {described['hourly_rules']:,} rules by the hour"
    )
    click.echo(f"{'mode':<14}{'directed km':>12}{'cut off km':>12}")
    for mode in MODES:
        click.echo(f"{mode:<14}{described['directed_km'][mode]:>12,}{described['cut_off_km'][mode]:>12,}")
    for reason, number in built.dropped.items():
        click.echo(f"dropped: {number:,} {reason}")


def _planned(scenario: Path, plan_file: Path, seed: int | None, quiet: bool) -> Any:
    """A plan that was made earlier, with the city it was made on."""
    from lastmile.output.plan_files import read_plan
    from lastmile.pipeline import restore

    loaded, made = _load(scenario, seed), read_plan(plan_file)
    if seed is None:
        loaded = _changed(loaded, {"seed": made.manifest.seed})
    return restore(loaded, made, on_progress=_Progress(quiet=quiet))


@main.command("map")
@_scenario_options
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=_OUTPUT_FILE, required=True, help="The HTML file to write.")
@click.option("--tiles", is_flag=True, help="Put OpenStreetMap tiles under the map; the page then needs the internet.")
def map_(scenario: Path, plan_file: Path, output: Path, seed: int | None, tiles: bool, quiet: bool) -> None:
    """Draw the map of a plan again.

    \b
    Example:
      lastmile map my-city.toml plans/monday/plan.json -o monday.html --tiles
    """
    from lastmile.output import map_page, write_text

    write_text(output, map_page(_planned(scenario, plan_file, seed, quiet), tiles=tiles))
    click.echo(str(output))


@main.command()
@_scenario_options
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=_OUTPUT_FILE, required=True, help="The HTML file to write.")
def report(scenario: Path, plan_file: Path, output: Path, seed: int | None, quiet: bool) -> None:
    """Write the report of a plan again.

    \b
    Example:
      lastmile report my-city.toml plans/monday/plan.json -o monday-report.html
    """
    from lastmile.output import report_page, write_text

    write_text(output, report_page(_planned(scenario, plan_file, seed, quiet)))
    click.echo(str(output))


@main.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.argument("files", metavar="TRACES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--crs", required=True, help="System of the traces' coordinates: wgs84, gcj02, bd09, cgcs2000, EPSG:n.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Compare with this plan.json.")
@click.option("--vehicle-type", metavar="TYPE", help="Type of vehicles for which neither traces nor plan state one.")
@click.option("--permit", "permits", metavar="ID", multiple=True, help="A permit that eligible vehicles hold.")
@click.option("--utc-offset", metavar="+HH:MM", help="Local time less UTC, for times in UTC as in GPX files.")
@click.option("--layer", help="Sheet of a workbook or layer of a GeoPackage.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write  [default: maps/NAME-traces]")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def traces(
    scenario: Path,
    files: tuple[Path, ...],
    crs: str,
    plan_file: Path | None,
    vehicle_type: str | None,
    permits: tuple[str, ...],
    utc_offset: str | None,
    layer: str | None,
    output: Path | None,
    quiet: bool,
) -> None:
    """Match recorded traces to the map: real speeds, closed zones entered, and a plan beside what was driven.

    TRACES are tables with the columns vehicle_id, time, lon and lat (CSV, XLSX, GeoJSON, GeoPackage, Shapefile) or GPX
    files. Writes measured-speeds.csv, speeds-by-class.csv, zone-entries.csv, matched.geojson and the offline map
    traces.html into one folder, with --plan also rounds.csv and visits.csv; all of them or none.

    \b
    Examples:
      lastmile traces my-city.toml traces.csv --crs wgs84 --vehicle-type van
      lastmile traces my-city.toml monday/*.gpx --crs wgs84 --utc-offset +08:00 --vehicle-type trike
      lastmile traces my-city.toml traces.csv --crs gcj02 --plan plans/monday/plan.json -o monday-driven

    Exit codes: 0 done, 2 an input is at fault, 3 a vehicle drove in a zone that was closed to it, 1 a fault of
    lastmile.
    """
    from lastmile.output import TRACES, check_target, write_study
    from lastmile.output.plan_files import read_plan
    from lastmile.traces.moments import parse_utc_offset
    from lastmile.traces.reading import read_recordings
    from lastmile.traces.study import study_traces

    offset_s = None
    if utc_offset is not None:
        try:
            offset_s = parse_utc_offset(utc_offset)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--utc-offset") from error
    progress = _Progress(quiet=quiet)
    loaded = _load(scenario, None)
    folder = output if output is not None else Path("maps") / f"{loaded.file.name}-traces"
    check_target(folder, TRACES)
    made = None if plan_file is None else read_plan(plan_file)
    progress("traces", "reading")
    recordings = read_recordings(files, crs=crs, day=loaded.file.day, utc_offset_s=offset_s, layer=layer)
    study = study_traces(
        loaded, recordings, crs=crs, plan=made, vehicle_type=vehicle_type, permits=permits, on_progress=progress
    )
    progress("output", "drawing the map")
    write_study(study, folder)
    progress("output", f"written to {folder}")
    _print_study(study)
    if study.breaches:
        sys.exit(NO_PLAN)


def _print_study(study: Any) -> None:
    from lastmile.output.trace_files import moment

    if study.network.synthetic:
        click.echo("The map is a synthetic city: made up, not real.")
    for warning in study.warnings[:40]:
        click.echo(f"note: {warning}", err=True)
    if len(study.warnings) > 40:
        click.echo(f"note: and {len(study.warnings) - 40} more notes", err=True)
    fixes = sum(len(journey.trace) for journey in study.journeys)
    matched = sum(journey.matched.matched_share * len(journey.trace) for journey in study.journeys)
    km = sum(float(journey.matched.metres.sum()) for journey in study.journeys) / 1000
    breaks = sum(journey.matched.breaks for journey in study.journeys)
    click.echo(
        f"{len(study.journeys):,} vehicles, {fixes:,} fixes, {matched / fixes:.1%} matched, {km:,.1f} km, "
        f"{breaks:,} breaks"
    )
    click.echo(f"{len(study.ways):,} speeds of ways, by direction and hours, from at least 3 passes each")
    for item in (study.rounds or ())[:20]:
        driven = "nothing recorded" if item.driven_m is None else f"{item.driven_m / 1000:.1f} km driven"
        click.echo(
            f"  {item.vehicle_id}: {item.planned_m / 1000:.1f} km planned, {driven}, {item.count('visited')} of "
            f"{len(item.visits)} stops visited, {item.inversions} out of order, {item.planned_driven:.0%} of its roads"
        )
    if len(study.rounds or ()) > 20:
        click.echo(f"  and {len(study.rounds) - 20} more rounds; see rounds.csv")
    day = study.scenario.file.day
    for entry in study.breaches[:20]:
        click.echo(
            f"  CLOSED ZONE {entry.zone}: {entry.vehicle_id} from {moment(day, entry.first_s)}, "
            f"{entry.driven_m:,.0f} m in {entry.seconds / 60:.1f} min",
            err=True,
        )
    if len(study.breaches) > 20:
        click.echo(f"  and {len(study.breaches) - 20} more; see zone-entries.csv", err=True)
    doubtful = len(study.entries) - len(study.breaches)
    note = f"; {doubtful} doubtful entries are within the receiver's error" if doubtful else ""
    click.echo(f"{len(study.breaches)} drives in closed zones{note}")


@main.command()
@click.argument("city", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
def synth(city: Path, output: Path) -> None:
    """Make up a city: a real .osm.pbf with streets, homes and shops that exist nowhere, and tables that go with it.

    \b
    Example:
      lastmile synth data/luoyang/city.toml -o my-city
    """
    from lastmile.geo.synthetic import read_city, synthesize, write_city

    spec = read_city(city)
    output.mkdir(parents=True, exist_ok=True)
    for path in write_city(synthesize(spec), output):
        click.echo(str(path))
