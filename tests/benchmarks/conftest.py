"""Small instances, read from files as the benchmarks read them."""

import pytest
from routing_texts import FILES

from benchmarks.routing.families import read_instance


@pytest.fixture
def write(tmp_path):
    """Write the small instance of a family, or another text in its place; returns its path."""

    def write_file(family, text=None):
        name, usual = FILES[family]
        path = tmp_path / name
        path.write_text(usual if text is None else text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def read(write):
    """Read the small instance of a family, or another text in its place."""

    def read_family(family, convention=None, text=None):
        return read_instance(family, write(family, text), convention)

    return read_family
