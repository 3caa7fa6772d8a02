"""The web client's types of the WebSocket dialect are the server's."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer
from hubbub.core.events import Event
from hubbub.wire.codec import Request
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.websocket_json import EVENTS, websocket_json
from wire.test_asyncapi import ANSWERED, TOLD

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "web" / "src" / "wire" / "types.ts").read_text("utf-8")


def members(name: str) -> dict[str, bool]:
    """The members of an interface, and which of them may be missing."""
    if f"export type {name} = Record<string, never>;\n" in TEXT:
        return {}
    [body] = re.findall(rf"^export interface {name} {{\n(.*?)^}}\n", TEXT, re.MULTILINE | re.DOTALL)
    return {
        found[0]: found[1] == "?" for found in re.findall(r"^  (?:readonly )?(\w+)(\??):", body, re.MULTILINE)
    }


def has_exactly(payload: bytes, kind: type) -> None:
    told, known = set(json.loads(payload)["data"]), members(kind.__name__)
    assert told <= set(known)
    assert {name for name, optional in known.items() if not optional} <= told


def test_the_file_is_that_of_the_source() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "typescript.py"))["document"]()
    assert made == TEXT, "run scripts/typescript.py"


def test_every_action_and_every_event_is_there() -> None:
    assert list(members("Actions")) == list(ACTIONS)
    assert list(members("Events")) == list(EVENTS)


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_events_have_these_members(event: Event) -> None:
    if type(event) in EVENTS.values() and not isinstance(event, events.Announcement):
        has_exactly(websocket_json.encode_event(event), type(event))


@pytest.mark.parametrize("answer", ANSWERED, ids=lambda answer: type(answer).__name__)
def test_answers_have_these_members(answer: Answer) -> None:
    if not isinstance(answer, answers.Echoed):
        has_exactly(websocket_json.encode_answer(Request(commands.Ping(), "q1"), answer), type(answer))
