"""The routing tests number places and visits anew however few there are, as larger problems do."""

import pytest

from lastmile.solvers import compiled


@pytest.fixture(autouse=True, scope="session")
def renumbered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "_IN_CACHE", 0)
        yield
