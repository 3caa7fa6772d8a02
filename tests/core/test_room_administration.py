"""What an admin does with rooms from outside, and what those inside see of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.journals import RealTurns, on_log
from core.account_house import FlakyJournal
from core.asking import LOBBY, accepted, page, refused
from core.house import House
from hubbub.core.answers import Answer, RoomJoined, RoomList, UnreadList
from hubbub.core.commands import (
    CreateRoom,
    Edit,
    GetHistory,
    GetUnread,
    Invite,
    JoinRoom,
    ListRooms,
    Publish,
    React,
    SetRole,
)
from hubbub.core.entries import Said
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Left, RoomChanged, TopicChanged
from hubbub.core.files import Bearer
from hubbub.core.model import Session
from hubbub.core.room_administration import RoomAdministration, RoomOverview
from hubbub.log import Log

ROOT = Bearer(7, "Root", account=True)


def _admin(house: House) -> RoomAdministration[Session]:
    return house.service.room_administration


def _told(
    house: House, ask: Callable[[Callable[[RoomOverview | Refusal], None]], None]
) -> RoomOverview | Refusal:
    told: list[RoomOverview | Refusal] = []
    ask(told.append)
    house.turns.run_all()
    (answer,) = told
    return answer


def _ended(house: House, name: str) -> RoomOverview | Refusal:
    return _told(house, lambda then: _admin(house).end(name, then))


def _refused(answer: RoomOverview | Refusal, code: Code) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code
    return answer


def _made(answer: Answer | None) -> RoomJoined:
    assert isinstance(answer, RoomJoined), answer
    return answer


def _rooms(house: House, session: Session) -> list[str]:
    answer = house.do(session, ListRooms())
    assert isinstance(answer, RoomList)
    return [room.room for room in answer.rooms]


def test_all_rooms_are_seen_also_private_ones_some_at_a_time() -> None:
    house = House()
    olga, guest = house.register("Olga"), house.enter("Guest")
    house.done(olga, CreateRoom("den", private=True))
    house.done(olga, Publish("inside", "den"))
    house.done(guest, JoinRoom("Denmark"))
    den = _made(house.done(olga, JoinRoom("den")))
    rooms, more = _admin(house).page("", 10, "")
    assert [room.room for room in rooms] == ["Denmark", "den", "lobby"]
    assert not more
    assert rooms[1] == RoomOverview("den", den.stream, "", True, 0.0, 1, 1, "Olga", 1, default=False)
    assert (rooms[2].default, rooms[2].members, rooms[0].owner) == (True, 2, None)
    rooms, more = _admin(house).page("", 1, "DEN")
    assert ([room.room for room in rooms], more) == (["Denmark"], True)
    rooms, more = _admin(house).page("Denmark", 1, "DEN")
    assert ([room.room for room in rooms], more) == (["den"], False)


def test_an_admin_who_is_not_inside_changes_a_room_and_its_members_are_told_by_whom() -> None:
    house = House()
    olga, guest = house.register("Olga"), house.enter("Guest")
    made = _made(house.done(olga, CreateRoom("den")))
    house.done(guest, JoinRoom("den"))
    view = _told(
        house,
        lambda then: _admin(house).change(ROOT, "DEN", then, topic="Tea", private=True, retain_days=2.0),
    )
    assert isinstance(view, RoomOverview)
    assert (view.topic, view.private, view.retain_days, view.members) == ("Tea", True, 2.0, 1)
    assert [one.sender for one in house.outlet.of(olga, RoomChanged)] == ["Root"]
    assert [(one.sender, one.topic) for one in house.outlet.of(olga, TopicChanged)] == [("Root", "Tea")]
    assert house.outlet.of(guest, Left)[-1] == Left("Guest", guest.user.id if guest.user else 0, "den")
    again = house.restarted()
    (kept,) = [room for room in _admin(again).page("", 9, "")[0] if room.room == "den"]
    assert (kept.topic, kept.private, kept.retain_days) == ("Tea", True, 2.0)
    head = house.journal.head(made.stream).offset
    same = _told(house, lambda then: _admin(house).change(ROOT, "den", then, topic="Tea", private=True))
    assert isinstance(same, RoomOverview)
    assert house.journal.head(made.stream).offset == head, "what is so already is not said again"


def test_what_cannot_be_is_refused() -> None:
    house = House()
    house.done(house.register("Olga"), CreateRoom("den"))
    change = _admin(house).change

    def changed(name: str = "den", **wanted: object) -> RoomOverview | Refusal:
        return _told(house, lambda then: change(ROOT, name, then, **wanted))  # type: ignore[arg-type] # by name

    assert _refused(changed("nowhere", topic="x"), Code.NOT_FOUND).field == "room"
    assert _refused(changed("lobby", private=True), Code.FORBIDDEN).field == "private"
    for days in (-1.0, float("nan"), float("inf"), 1e6):
        assert _refused(changed(retain_days=days), Code.BAD_REQUEST).field == "retain_days"
    assert _refused(changed(topic="x" * 2000), Code.TOO_LARGE).limit == "messages.max_topic"
    assert _refused(_ended(house, "lobby"), Code.FORBIDDEN).field == "room"
    assert _refused(_ended(house, "nowhere"), Code.NOT_FOUND).field == "room"


def test_an_ended_room_is_gone_for_all_and_so_is_what_was_said_there() -> None:
    house = House()
    olga, bob = house.register("Olga"), house.register("Bob")
    typist, guest = house.enter("Typist", exclusive=True), house.enter("Guest")
    made = _made(house.done(olga, CreateRoom("den")))
    for session in (bob, typist, guest):
        house.done(session, JoinRoom("den"))
    said = accepted(house.done(olga, Publish("secret", "den")))
    house.done(olga, Edit("more secret", made.stream, said.offset))
    house.done(bob, React("+1", made.stream, said.offset))
    house.service.disconnected(bob)  # away, and a member
    view = _ended(house, "den")
    assert isinstance(view, RoomOverview)
    assert (view.room, view.members) == ("den", 4)
    for session, name in ((olga, "Olga"), (typist, "Typist"), (guest, "Guest")):
        assert session.user is not None
        assert house.outlet.of(session, Left)[-1] == Left(name, session.user.id, "den")
        assert _rooms(house, session) == ["lobby"]
        assert [room.name for room in session.rooms] == ["lobby"]
        assert session not in house.outlet.subscribed[made.stream]
        refused(house.done(session, Publish("x", "den")), Code.NOT_FOUND)
        refused(house.done(session, GetHistory(stream=made.stream)), Code.NOT_FOUND)
    told = [one.username for one in house.outlet.of(guest, Left) if one.room == "den"]
    assert told == ["Guest"], "of nobody else"
    assert house.journal.look(lambda reader: reader.entries(made.stream, 1, 99)) == []
    left = [key for key, _ in house.journal.look(lambda reader: list(reader.scan("")))]
    assert not [key for key in left if made.stream in key or f"/{int(made.stream[5:], 16):014x}" in key], left
    bob = house.back("Bob")
    assert [room.name for room in bob.rooms] == ["lobby"]
    listed = house.done(bob, GetUnread(all=True))
    assert isinstance(listed, UnreadList)
    assert made.stream not in [one.stream for one in listed.streams]
    again = house.restarted()
    assert [room.room for room in _admin(again).page("", 9, "")[0]] == ["lobby"]
    anew = _made(again.done(again.back("Bob"), CreateRoom("den")))
    assert anew.created
    assert anew.stream != made.stream


def test_a_crash_between_the_end_of_a_room_and_the_erasure_leaves_nothing(tmp_path: Path) -> None:
    turns, crashed = RealTurns(), tmp_path / "crashed"
    house = House(make_journal=lambda *_: on_log(turns, tmp_path / "log"), turns=turns)
    olga, bob, guest = house.register("Olga"), house.register("Bob"), house.enter("Guest")
    dens = [_made(house.done(olga, CreateRoom(name))) for name in ("den", "other")]
    for made in dens:
        house.done(bob, JoinRoom(made.room))
        house.done(guest, JoinRoom(made.room))
        said = accepted(house.done(olga, Publish("secret", made.room)))
        house.done(bob, React("+1", made.stream, said.offset))

    def told(_: RoomOverview | Refusal) -> None:
        shutil.copytree(tmp_path / "log", crashed)  # what a kernel has of a process that is killed just now

    _admin(house).end("den", told)
    turns.run_all()
    den, other = (made.stream for made in dens)

    def left(of: House, room: str) -> tuple[int, list[str]]:
        """Entries of a room, and keys with its id."""
        keys = of.journal.look(lambda reader: [key for key, _ in reader.scan("")])
        id = room.removeprefix("room:")
        entries = of.journal.look(lambda reader: reader.entries(room, 1, 99))
        return len(entries), [key for key in keys if id in key]

    assert left(house, den) == (0, [])
    before = left(house, other)
    turns.finish(house.journal.close())
    with Log.open(crashed, read_only=True) as log:
        assert (log.first(den.encode()), log.head(den.encode())) == (1, 2), "else the copy came too late"
    for _ in range(2):  # what the first start does needs no second one
        again = House(make_journal=lambda *_: on_log(turns, crashed), seed=7, turns=turns)
        turns.run_all()
        assert left(again, den) == (0, [])
        assert left(again, other) == before
        turns.finish(again.journal.close())
    turns.loop.close()


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_is_on_its_way_keeps_an_ended_room(seed: int) -> None:
    house = House(make_journal=FlakyJournal, seed=seed)
    olga, bob, guest = house.register("Olga"), house.register("Bob"), house.enter("Guest")
    house.register("Carol")
    made = _made(house.done(olga, CreateRoom("den")))
    house.done(guest, JoinRoom("den"))
    told: list[RoomOverview | Refusal] = []
    house.do(olga, Publish("before", "den"))
    _admin(house).end("den", told.append)
    for number in range(seed % 5):
        house.do(olga, Publish("meanwhile", "den"), number)
        house.turns.run()
    for session, command in (
        (bob, JoinRoom("den")),
        (olga, Invite("Bob", "den")),
        (olga, SetRole("Carol", "owner", "den")),
    ):
        if not told:
            assert isinstance(house.done(session, command), Refusal)
    house.turns.run_all()
    assert isinstance(told[0], RoomOverview)
    assert house.journal.look(lambda reader: reader.entries(made.stream, 1, 99)) == []
    again = house.restarted()
    assert [room.room for room in _admin(again).page("", 9, "")[0]] == ["lobby"]
    assert not again.journal.look(lambda reader: list(reader.scan("member/")))


def test_a_guests_room_that_nothing_was_said_in_ends_too_and_does_not_come_back_by_a_late_word() -> None:
    house = House()
    guest = house.enter("Guest")
    made = _made(house.done(guest, JoinRoom("den")))
    told: list[RoomOverview | Refusal] = []
    _admin(house).end("den", told.append)
    house.do(guest, Publish("late", "den"))
    house.turns.run_all()
    assert isinstance(told[0], RoomOverview)
    assert house.journal.look(lambda reader: reader.entries(made.stream, 1, 9)) == []
    again = house.restarted()
    assert [room.room for room in _admin(again).page("", 9, "")[0]] == ["lobby"]


def test_an_end_that_is_not_kept_changes_nothing() -> None:
    house = House(make_journal=FlakyJournal)
    olga, guest = house.register("Olga"), house.enter("Guest")
    house.done(olga, CreateRoom("den"))
    house.done(olga, Publish("stays", "den"))
    house.done(guest, JoinRoom("lair"))
    assert isinstance(house.journal, FlakyJournal)
    house.journal.failing = True
    for name in ("den", "lair"):
        _refused(_ended(house, name), Code.READ_ONLY)
    _refused(_told(house, lambda then: _admin(house).change(ROOT, "den", then, topic="x")), Code.READ_ONLY)
    house.journal.failing = False
    house.journal.refusing = True
    _refused(_ended(house, "den"), Code.READ_ONLY)
    house.journal.refusing = False
    assert [one.content for one in page(house, olga, GetHistory("den")).messages] == ["stays"]
    house.service.disconnected(guest)
    house.turns.run_all()
    assert [room.room for room in _admin(house).page("", 9, "")[0]] == ["den", "lobby"], "not kept by trying"
    assert isinstance(_ended(house, "den"), RoomOverview)


def test_a_room_that_is_being_changed_is_not_ended_meanwhile() -> None:
    house = House()
    olga = house.register("Olga")
    house.register("Bob")
    house.done(olga, CreateRoom("den", private=True))
    house.do(olga, Invite("Bob", "den"))
    told: list[RoomOverview | Refusal] = []
    _admin(house).end("den", told.append)
    assert _refused(told[0], Code.RATE_LIMITED).retry_after == 1
    house.turns.run_all()
    _admin(house).end("den", told.append)
    _admin(house).change(ROOT, "den", told.append, topic="x")
    _refused(told[1], Code.RATE_LIMITED)
    house.turns.run_all()
    assert isinstance(told[2], RoomOverview)


def test_what_is_said_elsewhere_stays() -> None:
    house = House()
    olga = house.register("Olga")
    house.done(olga, CreateRoom("den"))
    house.done(olga, Publish("here"))
    _ended(house, "den")
    (entry,) = house.journal.look(lambda reader: reader.entries(LOBBY, 1, 9))
    assert isinstance(entry.entry.body, Said)
