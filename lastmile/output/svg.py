"""Parts of the charts, as SVG that opens anywhere: texts, whose marks are escaped, and the whole."""

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape

# What no XML document may hold, whether escaped or not (XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def words_at(x: float, y: float, words: str, anchor: str, colour: str, *, bold: bool = False) -> str:
    """A text; ``anchor`` (start, middle or end) is its point at ``x``."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{_escaped(words)}</text>'


def tip(words: str) -> str:
    """What a part says when it is pointed at."""
    return f"<title>{_escaped(words)}</title>"


def document(width: int, height: int, parts: Iterable[str], *, font_size: int = 12) -> str:
    """The chart of these parts on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="{font_size}">'
        '<rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _escaped(words: str) -> str:
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", words))
