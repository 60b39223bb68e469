"""What tests of every room share."""

import os
from pathlib import Path

import pytest
from examples import THOROUGH
from hypothesis import settings

# The clock decides nothing and the same examples are tried everywhere.
settings.register_profile("lastmile", deadline=None, derandomize=True)
settings.register_profile(THOROUGH, settings.get_profile("lastmile"), max_examples=1000)
settings.load_profile("lastmile")


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the files of a law's examples replace one another: pytest lists all folders to name the next."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data; tests that need it are skipped where it is not named."""
    folder = os.environ.get("LASTMILE_DATA")
    if not folder:
        pytest.skip("LASTMILE_DATA is not set: no folder of real data")
    return Path(folder)
