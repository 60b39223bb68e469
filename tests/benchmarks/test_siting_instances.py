"""Instances of siting: reading them, judging plans, and the files that ``solve`` writes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.siting import orlib
from benchmarks.siting.check import check_flows, check_median
from lastmile.errors import InputError

# A path 1 - 2 - 3 - 4 with lengths 1, 9 (said twice: the last one counts, 2) and 5; two may be open.
PATH = "4 4 2\n1 2 1\n2 3 9\n3 2 2\n3 4 5\n"
# Two sites for 10 and 6 at 5 and 1, three customers of 4; all at the first costs 5 + 3, at the second there is no room.
WAREHOUSES = "2 3\n10 5.\n6 1.\n4\n1 2\n4\n1 2\n4\n1. 2.\n"


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_of_an_edge_that_is_there_twice_the_last_one_counts(write):
    facts = orlib.read("pmedian", write("path.txt", PATH))
    assert facts.median == 2
    assert facts.cost.tolist() == [[0, 1, 3, 8], [1, 0, 2, 7], [3, 2, 0, 5], [8, 7, 5, 0]]


def test_a_plan_of_the_path_costs_what_all_walk_to_the_nearest(write):
    facts = orlib.read("pmedian", write("path.txt", PATH))
    assert check_median(facts, [1, 3]).cost == 1 + 0 + 2 + 0
    assert check_median(facts, [0, 1, 2]).violations == ("it opens 3 vertices, 2 may be open",)
    assert check_median(facts, [1, 1]).violations == ("it opens a vertex twice",)
    assert check_median(facts, [4]).violations == ("it opens a vertex outside 1..4",)


def test_flows_are_judged_by_shares_and_room(write):
    facts = orlib.read("cflp", write("two.txt", WAREHOUSES))
    assert facts.capacity is not None
    assert facts.capacity.tolist() == [10, 6]
    judged = check_flows(facts, [(0, 0, 1.0), (0, 1, 1.0), (0, 2, 0.5), (1, 2, 0.5)])
    assert judged.violations == ()
    assert judged.cost == 5 + 1 + 1 + 1 + 0.5 + 1
    assert check_flows(facts, [(0, 0, 1.0), (0, 1, 1.0)]).violations == ("customer 3 is served 0 times",)
    assert check_flows(facts, [(0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0)]).violations == ("site 1 takes 12, it holds 10",)
    assert check_flows(facts, [(2, 0, 1.0)]).violations == ("flow 2, 0, 1.0 is impossible",)


def test_capacities_that_the_file_leaves_out_are_asked_for(write):
    path = write("open.txt", WAREHOUSES.replace("10 5.", "capacity 5.").replace("6 1.", "capacity 1."))
    with pytest.raises(InputError, match="--capacity"):
        orlib.read("cflp", path)
    facts = orlib.read("cflp", path, 7.0)
    assert facts.capacity is not None
    assert facts.capacity.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("family", "text", "says"),
    [
        ("pmedian", "", "it ends where the number of vertices is needed"),
        ("pmedian", "2 1 3\n1 2 4\n", "p is 3, a whole number from 1 to 2 is needed"),
        ("pmedian", "2 1 1\n1 3 4\n", "a vertex is 3"),
        ("pmedian", "3 1 1\n1 2 4\n", "its graph is not connected"),
        ("pmedian", "2 1 1\n1 2 nan\n", "an edge's cost cannot be that"),
        ("pmedian", "2 1 1\n1 2 4 5\n", "it goes on with '5'"),
        ("cflp", "1 1\n5 six\n", "number 4 is 'six', a fixed cost is needed"),
        ("cflp", "1 1\n5 6\n-1\n", "a demand cannot be that"),
        ("cflp", "1 1\n5 6\n1\n", "it ends where a cost is needed"),
    ],
)
def test_files_of_another_format_are_named(write, family, text, says):
    with pytest.raises(InputError, match=says):
        orlib.read(family, write("x.txt", text))


def solved(tmp_path, *arguments):
    result = CliRunner().invoke(main, ["solve", *arguments, "--out", str(tmp_path / "found")])
    assert result.exit_code == 0, result.output
    return result.output


def test_solve_writes_open_vertices_from_1(write, tmp_path):
    said = solved(tmp_path, "pmedian", str(write("path.txt", PATH)), "--time-limit", "5")
    found = json.loads((tmp_path / "found" / "path.json").read_text(encoding="utf-8"))
    assert (found["cost"], found["bound"], found["open"]) == (3, 3, [2, 4])
    assert "path: cost 3, bound 3, 2 sites, optimal" in said


def test_solve_writes_flows_from_1(write, tmp_path):
    solved(tmp_path, "cflp", str(write("two.txt", WAREHOUSES)), "--time-limit", "5")
    found = json.loads((tmp_path / "found" / "two.json").read_text(encoding="utf-8"))
    assert found["cost"] == pytest.approx(9.5) == found["bound"]
    share = np.zeros(4)
    for _, customer, part in found["flows"]:
        share[customer] += part
    assert share.tolist() == pytest.approx([0, 1, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pmedian", "--capacity", "5", "--time-limit", "1"], "--capacity is for cflp"),
        (["cflp", "--iterations", "5"], "name --time-limit"),
        (["lrp", "--time-limit", "1"], "there is no such family"),
    ],
)
def test_what_does_not_go_together_is_refused(write, tmp_path, arguments, says):
    family, *rest = arguments
    result = CliRunner().invoke(
        main, ["solve", family, str(write("x.txt", PATH)), *rest, "--out", str(tmp_path / "found")]
    )
    assert result.exit_code == 2
    assert says in result.output


def test_growth_of_covering_is_tabled_and_drawn(tmp_path):
    chart = tmp_path / "growth.svg"
    done = CliRunner().invoke(
        main, ["siting", "growth", "--sizes", "40,80", "--time-limit", "1", "--chart", str(chart)]
    )
    assert done.exit_code == 0, done.output
    rows = [line.split("|")[1:-1] for line in done.output.splitlines() if line.startswith("| ")]
    assert [row[1].strip() for row in rows] == ["candidates", "40", "80"]
    assert all(float(row[8].strip(" %")) >= 0 for row in rows[1:])
    assert chart.read_text(encoding="utf-8").count("<polyline") == 3


@pytest.mark.parametrize(("sizes", "says"), [("10", "10 is below 20"), ("many", "'many' is not whole numbers")])
def test_sizes_that_cannot_be_are_named(sizes, says):
    done = CliRunner().invoke(main, ["siting", "growth", "--sizes", sizes])
    assert done.exit_code == 2
    assert says in done.output


def test_spopt_finds_the_same(write):
    pytest.importorskip("spopt")
    done = CliRunner().invoke(main, ["siting", "peers", str(write("path.txt", PATH)), "--sizes", "40"])
    assert done.exit_code == 0, done.output
    rows = [line.split("|")[1:-1] for line in done.output.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[1:]] == ["covering 100 from 40, 2 open", "path"]
    assert rows[2][1].strip() == "3"
    assert not any("spopt" in row[1] for row in rows[1:])
