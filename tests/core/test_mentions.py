"""Mentions: who is named in a message learns of it, wherever they are; nobody else does."""

from __future__ import annotations

import pytest

from contracts.journals import UnrulyJournal
from core.asking import LOBBY, accepted, messages, refused
from core.house import House
from hubbub.core.answers import LoggedIn
from hubbub.core.commands import CreateRoom, Edit, Invite, Login, Publish, Register, Whisper
from hubbub.core.entries import MentionNoted, Said
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Mentioned, MessagePosted
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, MessageSettings


def account(house: House, name: str) -> Session:
    session = house.session()
    answer = house.done(session, Register(name, f"password of {name}"))
    assert isinstance(answer, LoggedIn), answer
    return session


def id_of(session: Session) -> int:
    assert session.user is not None
    return session.user.id


def noted(house: House, id: int) -> list[MentionNoted]:
    stream = f"notice:{id:x}"
    records = house.journal.look(lambda reader: reader.entries(stream, 1, reader.head(stream).offset))
    return [record.entry.body for record in records if isinstance(record.entry.body, MentionNoted)]


def named(content: str, *names: str, settings: MessageSettings | None = None) -> list[str]:
    """Who of these accounts a message mentions, as its event says."""
    house = House(CoreSettings(messages=settings or MessageSettings()))
    for name in names:
        account(house, name)
    author = house.enter("Author")
    house.done(author, Publish(content))
    return house.outlet.of(author, MessagePosted)[-1].mentions


def test_who_is_named_is_told_on_all_devices() -> None:
    house = House()
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    phone = house.session()
    house.done(phone, Login("Zoe", "password of Zoe"))
    said = accepted(house.done(bob, Publish("hi @zoe!", id="m")))
    for device in (zoe, phone):
        (event,) = house.outlet.of(device, Mentioned)
        assert (event.sender, event.room, event.room_stream) == ("Bob", "lobby", LOBBY)
        assert (event.message_id, event.at) == ("m", said.at)
        assert (event.stream, event.offset) == (f"notice:{id_of(zoe):x}", 1)
    assert house.outlet.of(bob, Mentioned) == []
    assert house.outlet.of(bob, MessagePosted)[-1].mentions == ["Zoe"]


def test_a_mention_waits_for_those_who_are_away() -> None:
    house = House()
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    id = id_of(zoe)
    house.service.disconnected(zoe)
    said = accepted(house.done(bob, Publish("@Zoe: look")))
    (note,) = noted(house, id)
    assert (note.sender, note.room, note.message_id) == ("Bob", "lobby", said.id)


def test_a_retry_mentions_nobody_again_and_a_failure_nobody_at_all() -> None:
    house = House(make_journal=lambda turns, seed: UnrulyJournal(turns, seed, fail=0.0, foreign=0.0))
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    journal = house.journal
    assert isinstance(journal, UnrulyJournal)
    journal._fail = 1.0
    refused(house.done(bob, Publish("@Zoe", id="m")), Code.READ_ONLY)
    assert noted(house, id_of(zoe)) == []
    journal._fail = 0.0
    first = accepted(house.done(bob, Publish("@Zoe", id="m")))
    assert house.done(bob, Publish("@Zoe", id="m")) == first
    assert len(noted(house, id_of(zoe))) == len(house.outlet.of(zoe, Mentioned)) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("@Zoe and @Yan", ["Zoe", "Yan"]),
        ("(@zoe) @ZOE, @Zoe.", ["Zoe"]),
        ("@Yan.X. ok", ["Yan.X"]),
        ("@Yan... ok", ["Yan"]),
        ("@小明 你好", ["小明"]),
        ("你好@小明!", []),
        ("mail me: a@Zoe", []),
        ("@@Zoe @ Zoe", []),
        ("@Zoey @Guest @nobody @", []),
        ("Zoe", []),
        ("\n@Zoe\n", ["Zoe"]),
        ("@Zoe\u2019s", ["Zoe"]),
    ],
)
def test_a_name_stands_behind_an_at_sign(content: str, expected: list[str]) -> None:
    assert named(content, "Zoe", "Yan", "Yan.X", "小明") == expected


def test_mentions_are_bounded() -> None:
    names = [f"Name{number:02}x" for number in range(8)]
    content = " ".join(f"@{name}" for name in names)
    assert named(content, *names, settings=MessageSettings(mentions=3)) == names[:3]
    assert named(content, *names, settings=MessageSettings(mentions=0)) == []
    assert named("@x " * 10_000 + "@Name00x", *names) == [], "and so is the work"


def test_nobody_mentions_himself_or_a_guest() -> None:
    house = House()
    zoe, guest = account(house, "Zoe"), house.enter("Guest")
    house.done(zoe, Publish("@Zoe @Guest"))
    assert house.outlet.of(guest, MessagePosted)[-1].mentions == []
    assert noted(house, id_of(zoe)) == noted(house, id_of(guest)) == []


def test_in_a_private_room_only_those_are_told_who_may_read_it() -> None:
    house = House()
    zoe, yan, owner = account(house, "Zoe"), account(house, "Yan"), account(house, "Owner")
    house.done(owner, CreateRoom("den", private=True))
    answer = house.done(owner, Invite("Yan", "den"))
    assert not isinstance(answer, Refusal), answer
    house.done(owner, Publish("@Zoe @Yan", "den"))
    assert noted(house, id_of(zoe)) == []
    assert [note.room for note in noted(house, id_of(yan))] == ["den"]


def test_what_is_refused_mentions_nobody() -> None:
    house = House(CoreSettings(messages=MessageSettings(max_content=10)))
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    refused(house.done(bob, Publish("@Zoe 1234567890")), Code.TOO_LARGE)
    refused(house.done(bob, Publish("@Zoe", reply_to=5)), Code.BAD_REQUEST)
    house.done(bob, Publish("hi"))
    house.done(bob, Edit("@Zoe"))
    assert noted(house, id_of(zoe)) == []


def test_mentions_are_kept_as_ids() -> None:
    house = House()
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    house.done(bob, Publish("@Zoe"))
    (record,) = house.journal.look(lambda reader: reader.entries(LOBBY, 1, 1))
    assert isinstance(record.entry.body, Said)
    assert record.entry.body.mentions == [id_of(zoe)]


def test_a_private_message_waits_for_an_account_that_is_away() -> None:
    house = House()
    zoe, bob = account(house, "Zoe"), house.enter("Bob")
    id = id_of(zoe)
    house.service.disconnected(zoe)
    said = accepted(house.done(bob, Whisper("zoe", "later")))
    assert said.stream == "talk:{:x}:{:x}".format(*sorted((id, id_of(bob))))
    again = house.session()
    house.done(again, Login("Zoe", "password of Zoe"))
    assert [(one.content, one.to) for one in messages(house, again, "Bob")] == [("later", "Zoe")]
