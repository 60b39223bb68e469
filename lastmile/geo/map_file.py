"""Map files as files: which kinds are read, and what is said where one cannot be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lastmile.errors import InputError

SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")


def check_path(path: Path) -> None:
    """Raise InputError unless ``path`` is a file of a kind that can be read."""
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.osm*"))[:5] if path.parent.is_dir() else []
        hint = f"; the folder has {', '.join(near)}" if near else ""
        raise InputError.single(
            place=str(path),
            cause="the map file does not exist" if not path.exists() else "it is not a file",
            remedy=f"give the path of an OpenStreetMap file{hint}",
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError.single(
            place=str(path), cause="unknown kind of map file", remedy=f"give one of {', '.join(SUFFIXES)}"
        )


def unreadable(path: Path, error: Exception | str) -> InputError:
    """The fault of a file that is cut or altered."""
    return InputError.single(
        place=str(path),
        cause=f"the map file cannot be read to its end: {error}",
        remedy="download it again and compare its checksum; a cut or altered file is not used in part",
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what pyosmium raises on broken files into InputError; text that is no UTF-8 shows only when it is used."""
    import osmium  # whoever reads with it has it loaded; PBF files alone need none of it

    try:
        yield
    except (RuntimeError, ValueError, OSError, osmium.InvalidLocationError) as error:
        raise unreadable(path, error) from error
