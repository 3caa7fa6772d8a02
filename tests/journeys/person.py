"""Somebody in front of the page: what people do, told by what they see."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from browser.visiting import AXE, RULES, STILL
from journeys.browsers import Driven, Size, Tab
from journeys.words import NAMES, Words
from serving import PATIENCE

FIND = (Path(__file__).parent / "find.js").read_text("utf-8")
FIND = re.sub(r"^//.*\n", "", FIND, flags=re.MULTILINE).strip()


@cache
def axe() -> str:
    return AXE.read_text("utf-8")


LONG = 45.0
"""Seconds for what waits for a line that is tried again ever more seldom."""


class Person:
    """One person at one page; `words` says in which language it is to be read."""

    def __init__(self, browser: Driven, url: str, size: Size, name: str, pictures: Path) -> None:
        self.tab: Tab = browser.open(url, size)
        self.url = url
        self.name = name
        self.phone = size.touch
        self.words = Words("en")
        self._pictures = pictures

    # ---- what there is to be seen ---------------------------------------------------------------------

    def _find(self, role: str, name: str | None = None, patience: float = PATIENCE, **more: object) -> str:
        wanted = {"role": role, "name": name, "left": patience * 1000, **more}
        return f"{FIND}({json.dumps(wanted)})"

    def sees(self, role: str, name: str | None = None, patience: float = PATIENCE, **more: object) -> None:
        """It is there, or comes to be."""
        source = f"{self._find(role, name, patience, **more)}.then(() => true)"
        try:
            self.tab.run(source)
        except Exception as error:
            if not re.search("context was destroyed|navigat|detached|no such frame", str(error)):
                raise
            self.tab.run(source)  # another page has come meanwhile

    def lacks(self, role: str, name: str | None = None, patience: float = PATIENCE, **more: object) -> None:
        """It is not there, or goes."""
        self.tab.run(self._find(role, name, patience, gone=True, **more))

    def counts(self, number: int, role: str, patience: float = PATIENCE, **more: object) -> None:
        """There come to be so many."""
        self.tab.run(self._find(role, None, patience, count=number, **more))

    def waits(self, condition: str, patience: float = PATIENCE) -> None:
        """For something of the page that is no element."""
        self.tab.run(
            f"""(async () => {{
                const deadline = performance.now() + {patience * 1000};
                while (!(await ({condition}))) {{
                    if (performance.now() > deadline) throw new Error({json.dumps(condition)} + " is not so");
                    await new Promise((done) => setTimeout(done, 16));
                }}
                return true;
            }})()"""
        )

    def looks(self, what: str) -> None:
        """Keep a picture of it, and see that nothing sticks out at the side, and that axe finds nothing."""
        self.tab.run(f"{STILL}.then(() => true)")
        self.tab.picture(self._pictures / f"{self.name} {what}.png")
        wide = self.tab.run("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{what}: {wide} pixels too wide"
        self.tab.run(f"{axe()}; 0")  # by the debugger: the page's policy holds
        found = self.tab.run(
            f"axe.run(document, {{runOnly: {{type: 'tag', values: {json.dumps(RULES)}}}, "
            "resultTypes: ['violations']}).then(({violations}) => violations.flatMap(({id, nodes}) => "
            "nodes.map(({failureSummary, html}) => [id, failureSummary, html.slice(0, 200)].join(' '))))"
        )
        assert found == [], "\n".join([what, *found])

    # ---- what can be done -----------------------------------------------------------------------------

    def clicks(self, role: str, name: str | None = None, patience: float = PATIENCE, **more: object) -> None:
        source = self._find(role, name, patience, **more)
        if self.phone:
            self.tab.tap(source)
        else:
            self.tab.click(source)

    def fills(self, label: str, text: str, within: str = "body") -> None:
        """In place of what is written there."""
        self.clicks("textbox", label, within=within)
        self.tab.press("Control+a")
        self.tab.press("Delete")
        self.tab.type(text)

    def chooses_files(self, label: str, paths: Sequence[Path]) -> None:
        self.tab.files(self._find("chooser", label), paths)

    # ---- coming, going, looking around ----------------------------------------------------------------

    def comes_in(self, password: str | None = None, way: str = "login") -> None:
        """By the form: "login", "register", or (without a password) as a guest."""
        t = self.words
        if password is None:
            way = "guest"
        self.sees("textbox", t("entrance.yourName"))
        self.clicks("tab", t("entrance.guestWay" if way == "guest" else f"entrance.{way}"))
        self.fills(t("entrance.yourName"), self.name)
        if password is not None:
            self.fills(t("entrance.password"), password)
        self.clicks("button", t(f"entrance.{way}Do"))
        self.is_in()

    def is_in(self) -> None:
        self.sees("button", has=self.name, within="nav")  # at one's own name

    def reads(self, language: str) -> None:
        """Change the language in the settings, and read on in it."""
        self.opens_settings()
        self.clicks("radio", NAMES[language])
        self.words = Words(language)
        self.sees("tab", self.words("account.settings"))
        self.closes_dialog()

    def prefers(self, theme: str) -> None:
        """A theme, by the settings."""
        self.opens_settings()
        self.clicks("radio", self.words(f"account.{theme}"))
        self.closes_dialog()

    def opens_settings(self) -> None:
        self.to_list()
        self.clicks("button", self.words("shell.settings"), within="nav")
        self.sees("dialog", self.words("account.account"))

    def closes_dialog(self) -> None:
        self.clicks("button", self.words("shell.close"))
        self.lacks("dialog")

    def own_menu(self, item: str) -> None:
        self.to_list()
        self.clicks("button", has=self.name, within="nav")
        self.clicks("menuitem", item)

    def to_list(self) -> None:
        """On a phone the list is another page."""
        if self.phone and self.tab.run("document.querySelector('nav')?.checkVisibility() !== true"):
            self.clicks("link", self.words("chat.back"))
            self.sees("heading", within="nav")

    def goes_to(self, name: str) -> None:
        """To a room or a talk of the list."""
        self.to_list()
        self.clicks("link", has=name, within="nav")
        self.sees("heading", name, within="main")

    # ---- messages -------------------------------------------------------------------------------------

    def says(self, where: str, text: str) -> None:
        self.clicks("textbox", self.words("chat.write", name=where))
        self.tab.type(text)
        self.tab.press("Enter")
        self.sees("article", has=text)

    def reads_message(self, text: str, patience: float = PATIENCE) -> None:
        self.sees("article", has=text, patience=patience)

    def acts(self, text: str, deed: str) -> None:
        """Choose something that can be done with a message: by its toolbar, or the menu of that."""
        row, name = self._find("article", has=text), self.words(f"deeds.{deed}")
        if self.phone:
            row += ".then((one) => one.querySelector('.content, .card') ?? one)"  # not upon a quote
            there = self._find("button", self.words("deeds.more"), within="article")
            self.tab.hold(row, f"{there}.then(() => true)")
        else:
            self.tab.hover(row)
        self.sees("button", self.words("deeds.more"), within="article")
        if deed in ("reply", "react", "edit"):
            self.clicks("button", name, within="article")
        else:
            self.clicks("button", self.words("deeds.more"), within="article")
            self.clicks("menuitem", name)

    def shown(self) -> list[str]:
        """What the list of messages has in it, one line each."""
        found: list[str] = self.tab.run(
            "[...document.querySelectorAll('[role=log] article .content')].map((one) => one.innerText.trim())"
        )
        return found

    def value(self, label: str) -> Any:
        return self.tab.run(f"{self._find('textbox', label)}.then((one) => one.value)")
