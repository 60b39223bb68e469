"""Documents that are written from the program are what the program writes."""

from pathlib import Path

from lastmile.scenario_docs import reference

ROOT = Path(__file__).parents[1]


def test_reference_of_scenario_files_is_current():
    written = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    assert written == reference(), "run: lastmile schema --markdown > docs/scenario.md"


def test_every_command_of_the_readme_that_ci_runs_is_one_line():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for mark in ("plan", "tests"):
        block = readme.split(f"<!-- {mark} -->\n```sh\n")[1].split("```")[0]
        assert block.count("\n") == 1, f"the command {mark} must be one line"
