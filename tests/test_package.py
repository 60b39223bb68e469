"""The source distribution installs elsewhere, with its compiled core, and plans there."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_sdist_installs_in_a_second_environment_and_runs(tmp_path):
    # A copy keeps build/ and *.egg-info out of the checkout; --no-isolation and --no-deps keep the network out.
    source = tmp_path / "source"
    source.mkdir()
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", tmp_path / "dist", cwd=source)
    (sdist,) = (tmp_path / "dist").glob("lastmile-*.tar.gz")

    second = tmp_path / "second"
    venv.create(second, with_pip=True)
    # The dependencies are those of this environment; only lastmile itself is installed anew.
    (site,) = (second / "lib").glob("python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    python = second / "bin" / "python"
    # Python 3.11's venv brings a setuptools too old to build with; without it the one of this environment is found.
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall",
        sdist, cwd=tmp_path)  # fmt: skip
    place = run(python, "-c", "import lastmile, lastmile._core as core; print(core.__file__)", cwd=tmp_path).strip()
    assert Path(place).is_relative_to(second)
    assert "Plan last-mile parcel delivery" in run(second / "bin" / "lastmile", "--help", cwd=tmp_path)
    described = run(second / "bin" / "lastmile", "network", "info", ROOT / "data/luoyang/luoyang-synthetic.osm.pbf",
                    cwd=tmp_path)  # fmt: skip
    assert "a synthetic city" in described
    assert run(second / "bin" / "lastmile", "schema", cwd=tmp_path).startswith("{")
