"""Draw the icons of the installed web client, web/public/icons/, from web/public/icon.svg.

    .venv/bin/python scripts/icons.py

Needs Chromium and the test requirements. A maskable icon has its drawing within the circle that every
system leaves of it (80 % of its side), and a ground to the edge (w3.org/TR/appmanifest, "maskable").
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

PUBLIC: Final = Path(__file__).resolve().parent.parent / "web" / "public"
ICONS: Final = {"192": 192, "512": 512, "180": 180, "maskable-192": 192, "maskable-512": 512}
"""Sides in pixels. iOS takes 180, and cuts the corners itself."""
WITHIN: Final = 0.72


def filled(drawing: str) -> str:
    """The drawing for whoever cuts its edges."""
    margin = 512 * (1 - WITHIN) / 2
    return drawing.replace(' rx="116"', "").replace(
        '<g id="voices">', f'<g id="voices" transform="translate({margin:.1f} {margin:.1f}) scale({WITHIN})">'
    )


def main() -> None:
    """Draw them all."""
    drawing = (PUBLIC / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, side in ICONS.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            shown = filled(drawing) if name not in ("192", "512") else drawing
            page.set_content(f"<style>body{{margin:0}} svg{{display:block;width:{side}px}}</style>{shown}")
            page.screenshot(path=PUBLIC / "icons" / f"{name}.png", omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
