"""Run the command line inside the test's own process."""

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from lastmile.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


def run(*words: str | Path) -> Ran:
    """Run ``lastmile`` with these words; what it does not catch is raised here."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, byte for byte, but for the prepared networks that are kept beside maps."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".roads"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
