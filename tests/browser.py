"""Open a page in headless Chromium, without a network."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Where a run must not pass without a browser, the tests fail on the missing one instead of being skipped.
REQUIRED = os.environ.get("LASTMILE_REQUIRE_BROWSER") == "1"
needs_browser = pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="Chromium is not installed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The page's document after its scripts have run, and what they wrote to the console."""

    dom: str
    console: list[str]


def open_page(page: str, folder: Path, *, script: str = "") -> Opened:
    """Open a page; ``script`` is run after it, as part of it.

    Every name resolves to nothing, so a request that leaves the machine shows as an error in the console, as does one
    that the page's own policy blocks.
    """
    path = folder / "page.html"
    path.write_text(page + (f"<script>{script}</script>" if script else ""), encoding="utf-8")
    assert CHROMIUM is not None
    run = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            "--v=0",
            "--window-size=1400,900",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=5000",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return Opened(dom=run.stdout, console=[line for line in run.stderr.splitlines() if "CONSOLE" in line])


def loaded_from_outside(page: str) -> list[str]:
    """Addresses that a page's markup would load; links to click on are none, scripts are left to the browser."""
    page = re.sub(r"(<script\b[^>]*>).*?</script>", r"\1</script>", page, flags=re.DOTALL)
    found = re.findall(
        r"""<(?!a\b)[a-z]+\b[^>]*?\b(?:src|href|action|data)\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""", page
    )
    return found + re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", page)
