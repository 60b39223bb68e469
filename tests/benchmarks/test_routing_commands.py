"""The commands ``solve`` and ``compare``: what they write and print, with stand-ins for the solvers."""

import json
from dataclasses import dataclass
from itertools import product

import pytest
from click.testing import CliRunner
from routing_texts import FILES

from benchmarks.__main__ import main
from benchmarks.processes import run as run_program
from benchmarks.routing import compare_command
from benchmarks.routing.best_known import Best, best_known
from benchmarks.routing.check import Judged
from benchmarks.routing.comparison import Result, class_of, markdown
from benchmarks.routing.families import read_instance
from benchmarks.routing.found import CannotExpress, Found
from benchmarks.routing.gaps import gap
from benchmarks.routing.instance import Route
from lastmile.errors import InputError
from lastmile.solvers import routing
from lastmile.solvers.problem import Cost, Round, RoutingSolution, Tour, Visit


@dataclass
class Asked:
    """What the stand-in was asked."""

    problem: object = None
    stop: object = None
    objective: object = None
    seed: int | None = None
    threads: int | None = None


def visit(kind, index):
    return Visit(kind=kind, index=index, arrive_s=0.0, begin_s=0.0, depart_s=0.0)


@pytest.fixture
def answer(monkeypatch):
    """Put a stand-in in the solver's place: it gives these visits of vehicles of these types."""

    def stand_in(*rounds):
        asked = Asked()

        def solve(problem, *, stop, seed, threads, objective, reasons):
            asked.problem, asked.stop, asked.objective = problem, stop, objective
            asked.seed, asked.threads = seed, threads
            driven = tuple(
                Round(
                    tour=Tour(vehicle=vehicle, trips=()),
                    visits=tuple(visit(*one) for one in visits),
                    depart_s=0.0,
                    return_s=0.0,
                    distance_m=0,
                    cost=Cost(),
                )
                for vehicle, visits in rounds
            )
            return RoutingSolution(
                rounds=driven, blocked=(), cost=Cost(), stopped="iterations", iterations=7, phases_s={}
            )

        monkeypatch.setattr(routing, "solve", solve)
        monkeypatch.setattr(routing, "Stop", lambda **options: options, raising=False)
        monkeypatch.setattr(routing, "Objective", lambda **options: options, raising=False)
        return asked

    return stand_in


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def solve_command(family, path, out, *more):
    return run("solve", family, path, "--iterations", 5, "--out", out, *more)


def test_solution_is_written_in_the_ids_of_the_file(write, tmp_path, answer):
    asked = answer((0, [("charge", 0), ("order", 0), ("charge", 0)]))
    longer = FILES["evrptw"][1].replace("tank capacity /6.0/", "tank capacity /8.0/")
    path = write("evrptw", longer)
    (tmp_path / "bks.csv").write_text("instance,bks,convention\nr999_21,1/12.5,PARTIAL recharge\n", encoding="utf-8")
    done = solve_command("evrptw", path, tmp_path / "out", "--seed", 3, "--threads", 2)
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out" / "r999_21.json").read_text(encoding="utf-8"))
    assert written.pop("seconds") >= 0
    assert written == {
        "family": "evrptw", "convention": "partial", "instance": "r999_21", "cost": 14.0, "vehicles": 1,
        "distance": 14.0, "routes": [["S1", "C1", "S1"]], "vehicle_numbers": [1], "iterations": 7,
        "stopped": "iterations",
    }  # fmt: skip
    assert "r999_21: cost 14 with 1 vehicles" in done.output
    assert "best known 12.5, gap +12.00 %" in done.output  # 14 / 12.5
    assert (asked.stop, asked.objective) == ({"seconds": None, "iterations": 5}, {"fewest_vehicles": True})
    assert (asked.seed, asked.threads) == (3, 2)


def test_reload_is_the_depot_and_vehicles_have_the_numbers_of_the_file(write, tmp_path, answer):
    answer((0, [("order", 0), ("order", 1), ("reload", 0), ("break", 0), ("order", 2)]))
    assert solve_command("mtvrptw", write("mtvrptw"), tmp_path / "out").exit_code == 0
    written = json.loads((tmp_path / "out" / "C299R0.5.json").read_text(encoding="utf-8"))
    assert written["routes"] == [[1, 2, 0, 3]]
    answer((0, [("order", 0)]), (1, [("order", 2)]), (0, [("order", 1)]), (1, []))
    assert solve_command("hfvrp", write("hfvrp"), tmp_path / "out").exit_code == 0
    written = json.loads((tmp_path / "out" / "X4-HVRP.json").read_text(encoding="utf-8"))
    assert written["vehicle_numbers"] == [1, 2, 3]  # small ones are 1 and 3, the large one is 2
    assert written["routes"] == [[1], [3], [2]]


def test_solution_that_breaks_a_rule_is_named_and_not_written(write, tmp_path, answer):
    answer((0, [("order", 0), ("order", 1)]))
    done = solve_command("cvrp", write("cvrp"), tmp_path / "out")
    assert done.exit_code == 1
    assert "tiny: node 3: it is not visited" in done.output
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["vrpdo"], 2, "lockers whose capacity all vehicles share"),
        (["tsp"], 2, "there is no such family"),
        (["cvrp", "--recharge", "full"], 2, "--recharge is for evrptw"),
        (["cvrp", "--convention", "dimacs"], 2, "--convention is for vrptw-100"),
        (["mdvrptw"], 2, "its type is 'CVRP', not MDVRPTW"),
    ],
)
def test_what_cannot_be_solved_is_refused(write, tmp_path, arguments, code, text):
    family, *options = arguments
    done = solve_command(family, write("cvrp"), tmp_path / "out", *options)
    assert done.exit_code == code
    assert text in " ".join(done.output.split())


def test_solve_without_an_end_is_refused(write, tmp_path):
    done = run("solve", "cvrp", write("cvrp"), "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "--time-limit, --iterations or both" in done.output


@pytest.mark.parametrize(
    ("family", "convention", "rows", "best"),
    [
        ("cvrp", None, ["tiny,30.0,distance"], Best(cost=30.0)),
        ("cvrp", None, ["other,30.0,distance"], None),
        ("gvrp", None, ["GVRP/M-n4,17,rounded"], Best(cost=17.0)),
        ("hfvrp", None, ["HFVRP/X4-HVRP,33.3,Pessoa"], Best(cost=33.3)),
        ("hfvrp", None, ["HFVRP/X4-HVRP,3330000,Pessoa"], Best(cost=33.3)),
        (
            "vrptw-100",
            "hierarchical",
            ["R999,8,distance-only; DIMACS", "R999,2/9.5,hierarchical"],
            Best(cost=9.5, vehicles=2),
        ),
        ("vrptw-100", "distance", ["R999,2/9.5,hierarchical", "R999,3/9,distance-only; double"], Best(cost=9.0)),
        ("evrptw", "full", ["r999_21,2/8,PARTIAL", "r999_21,3/9,FULL recharge"], Best(cost=9.0, vehicles=3)),
    ],
)
def test_best_known_is_that_of_the_convention(write, read, tmp_path, family, convention, rows, best):
    path = write(family)
    assert best_known(path, read_instance(family, path, convention).facts) is None
    (tmp_path / "bks.csv").write_text("\n".join(["instance,bks,convention", *rows]), encoding="utf-8")
    assert best_known(path, read_instance(family, path, convention).facts) == best


def test_best_known_that_is_no_number_is_an_error(write, tmp_path):
    path = write("cvrp")
    (tmp_path / "bks.csv").write_text("instance,bks,convention\ntiny,about 30,distance\n", encoding="utf-8")
    with pytest.raises(InputError, match="about 30"):
        best_known(path, read_instance("cvrp", path).facts)


def judged(cost, vehicles, *violations):
    return Judged(cost=cost, vehicles=vehicles, distance=cost, violations=violations)


def test_gap_counts_vehicles_first():
    assert str(gap(judged(102.0, 3), Best(cost=100.0, vehicles=3))) == "+2.00 %"
    assert str(gap(judged(90.0, 4), Best(cost=100.0, vehicles=3))) == "+1 vehicle"
    assert str(gap(judged(90.0, 1), Best(cost=100.0, vehicles=3))) == "-2 vehicles"
    assert str(gap(judged(99.999, 9), Best(cost=100.0))) == "+0.00 %"


def test_classes():
    assert class_of("vrptw-100", "RC207", 100) == "RC2"
    assert class_of("vrptw-1000", "R1_10_4", 1000) == "R1"
    assert class_of("evrptw", "c101_21", 100) == "C1"
    assert class_of("evrptw", "rc108C15", 15) == "15 customers"
    assert [class_of("cvrp", "X", size) for size in (250, 251, 501)] == ["up to 250", "251 to 500", "501 to 1,000"]
    assert class_of("gvrp", "M-n101-k10-C51-V5", 100) is None


def test_table_has_means_by_class_and_says_what_is_missing():
    def result(solver, instance, *, seed=0, **rest):
        return Result(
            solver=solver, instance=instance, customers=100, seed=seed, best=Best(cost=100.0, vehicles=2), **rest
        )

    results = [
        result("lastmile", "C101", judged=judged(101.0, 2), seconds=1.0),
        result("lastmile", "C101", seed=1, judged=judged(103.0, 2), seconds=1.0),
        result("pyvrp", "C101", judged=judged(90.0, 3), seconds=2.5),
        result("pyvrp", "C101", seed=1, judged=judged(104.0, 2), seconds=1.0),
        result("vroom", "C101", reason="cannot express batteries"),
        result("vroom", "C101", seed=1, reason="cannot express batteries"),
        result("lastmile", "R101", judged=judged(106.0, 2), seconds=1.0),
        result("pyvrp", "R101", judged=judged(99.0, 2, "route 1: it carries 9"), seconds=1.0),
        result("vroom", "R101", reason="cannot express batteries"),
    ]
    lines = markdown("vrptw-100", results, ("lastmile", "pyvrp", "vroom"), time_limit=2.0).splitlines()
    assert lines[2:4] == [
        "| C101 | 2 / 100 | 2 / 102 (+2.00 %) | 2.5 / 97 (+4.00 %, +1 vehicle in 2) | - |",
        "| R101 | 2 / 100 | 2 / 106 (+6.00 %) | infeasible | - |",
    ]
    assert lines[7:10] == [
        "| C1 | 1 | +2.00 % | +4.00 %, +1 vehicle in 2 | - |",
        "| R1 | 1 | +6.00 % | - | - |",
        # (1 + 3 + 6) / 3
        "| all | 2 | +3.33 % | +4.00 %, +1 vehicle in 2 (1 runs missing) | - |",
    ]
    assert lines[11:] == [
        "- vroom: cannot express batteries (C101, R101)",
        "- pyvrp: breaks 1 rules, first: route 1: it carries 9 (R101)",
        "- pyvrp: takes more than its 2 s (C101 2.5 s)",
    ]


def test_compare_judges_every_solver_by_the_checker(write, tmp_path, monkeypatch):
    said = {
        "lastmile": [Route(vehicles=0, stops=(1, 2)), Route(vehicles=0, stops=(3,))],
        "pyvrp": [Route(vehicles=0, stops=(1, 2, 3))],
    }

    def stand_in(solver, path, *, family, convention, seconds, seed):
        assert (path.name, family, convention, seconds) == ("tiny.vrp", "cvrp", None, 2.0)
        if solver == "vroom":
            raise CannotExpress("this")
        return Found(routes=tuple(said[solver]), seconds=float(seed), iterations=None, stopped="time")

    monkeypatch.setattr(compare_command, "solve_apart", stand_in)
    monkeypatch.setattr(compare_command, "absent", lambda peer: peer == "ortools")
    path = write("cvrp")
    (tmp_path / "bks.csv").write_text("instance,bks,convention\ntiny,30,distance\n", encoding="utf-8")
    out = tmp_path / "all.json"
    done = run("compare", "cvrp", path, "--time-limit", 2, "--runs", 2, "--jobs", 2, "--out", out)
    assert done.exit_code == 0, done.output
    assert "| tiny | 30 | 30 (+0.00 %) | infeasible | - |" in done.stdout
    assert "- pyvrp: breaks 1 rules, first: route 1: it carries 12, its capacity is 7 (tiny)" in done.stdout
    assert "- vroom: cannot express this (tiny)" in done.stdout
    assert "- ortools: absent, it is not installed" in done.stdout
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["absent"] == ["ortools"]
    assert [(row["solver"], row["seed"]) for row in content["results"][:4]] == [
        ("lastmile", 0), ("pyvrp", 0), ("vroom", 0), ("lastmile", 1),
    ]  # fmt: skip


def test_unknown_peer_is_refused(write):
    done = run("compare", "cvrp", write("cvrp"), "--time-limit", 1, "--peers", "pyvrp,lkh")
    assert done.exit_code == 2
    assert "'lkh' is none of pyvrp, ortools, vroom" in done.output


def test_found_survives_the_way_between_processes():
    found = Found(routes=(Route(vehicles=1, stops=(4, 0, 2)),), seconds=1.5, iterations=None, stopped="time")
    assert Found.read(json.loads(json.dumps(found.plain()))) == found


def test_growth_prints_a_row_for_each_size():
    done = CliRunner().invoke(main, ["growth", "--sizes", "20,30", "--time-limit", "1"])
    assert done.exit_code == 0, done.output
    rows = [line.split("|")[1:4] for line in done.output.splitlines() if line.startswith("| ")][1:]
    assert [tuple(cell.strip() for cell in row) for row in rows] == list(
        product(("equally far", "in the middle"), ("no", "yes"), ("20", "30"))
    )


def test_growth_refuses_sizes_that_are_no_numbers():
    done = CliRunner().invoke(main, ["growth", "--sizes", "20,many"])
    assert done.exit_code == 2
    assert "'20,many' is not whole numbers" in done.output


def test_program_that_does_not_end_is_ended():
    with pytest.raises(RuntimeError, match="did not end in 1 s"):
        run_program("-c", "while True: pass", patience_s=1)
