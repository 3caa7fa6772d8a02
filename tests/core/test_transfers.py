"""Offers between two people, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from core.file_house import DIGEST, OTHER_DIGEST, FileHouse, done, failures, refused, shown, told
from hubbub.core.answers import Done, FileLink, Offered
from hubbub.core.errors import Code
from hubbub.core.events import FileAccepted, FileDeclined, FileDone, FileOffered
from hubbub.core.file_commands import (
    AcceptFile,
    CancelFile,
    DeclineFile,
    FinishFile,
    OfferFile,
    SendChunk,
    StartFile,
)
from hubbub.core.settings import FileSettings

# -- the whole way


def test_a_file_is_offered_taken_and_done() -> None:
    house = FileHouse()
    alice, bob, carol = house.enter("Alice"), house.enter("Bob"), house.enter("Carol")
    id = house.offer(alice, size=123, sha256=DIGEST.upper(), filetype="image/png", hello="h")
    assert alice.user is not None
    assert house.outlet.of(bob, FileOffered) == [
        FileOffered("Alice", alice.user.id, "Bob", "cat.png", 123, id, DIGEST, "image/png", "h")
    ]
    relay = house.accept(bob, id)
    assert (relay.sender, relay.receiver, relay.offset, relay.offer.size) == (alice, bob, 0, 123)
    assert shown(house, alice) == shown(house, bob) == [(id, "running")]
    house.carrier.end(id, DIGEST)
    for session in (alice, bob):
        assert house.outlet.of(session, FileDone) == [FileDone("cat.png", id, DIGEST)]
        assert shown(house, session) == []
    assert [
        event for who, event in house.outlet.heard if who is carol and "File" in type(event).__name__
    ] == []
    house.turns.run_all()
    house = house.again()
    assert shown(house, house.enter("Bob")) == []


def test_who_lost_the_line_at_the_very_end_is_told_that_it_arrived() -> None:
    house = FileHouse()
    alice, bob, carol = house.register("Alice"), house.register("Bob"), house.enter("Carol")
    id = house.offer(alice, size=10, sha256=DIGEST)
    house.accept(bob, id)
    house.leave(alice)
    house.leave(bob)
    house.carrier.end(id, DIGEST)
    house = house.again()
    alice, bob, carol = house.back("Alice"), house.back("Bob"), house.enter("Carol")
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert house.done(bob, AcceptFile(id, offset=10)) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]
    assert house.carrier.relays == []
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    refused(house.done(bob, FinishFile(id, DIGEST[::-1])), Code.NOT_FOUND)
    refused(house.done(alice, OfferFile("dog.png", 10, "Bob", offer=id)), Code.BAD_REQUEST, "offer")
    for command in (AcceptFile(id), OfferFile("cat.png", 10, "Bob", offer=id), CancelFile(id)):
        refused(house.done(carol, command), Code.NOT_FOUND)
    house.now += house.service.settings.files.offer_seconds + 1
    house.service.sweep()
    refused(house.done(bob, AcceptFile(id)), Code.NOT_FOUND)
    house = house.again()
    refused(house.done(house.back("Bob"), AcceptFile(id)), Code.NOT_FOUND)


def test_all_devices_of_the_receiver_are_told_and_one_takes_it() -> None:
    house = FileHouse()
    alice, one = house.enter("Alice"), house.register("Bob")
    two = house.back("Bob")
    id = house.offer(alice)
    assert told(house, one) == told(house, two) == [id]
    assert house.accept(two, id).receiver is two
    assert house.outlet.of(one, FileAccepted) == [FileAccepted("Bob", "cat.png", id, 0)]
    assert house.outlet.of(two, FileAccepted) == house.outlet.of(alice, FileAccepted) == []
    refused(house.done(one, AcceptFile(id)), Code.BAD_REQUEST, "offer")
    house.carrier.end(id, DIGEST)
    assert (done(house, one), done(house, two)) == ([], [(id, DIGEST)])


def test_what_breaks_off_is_offered_elsewhere_only_where_nobody_goes_on_with_it() -> None:
    house = FileHouse()
    alice, one = house.register("Alice"), house.register("Bob")
    two = house.back("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(two, id)
    house.leave(two)
    house.carrier.end(id, failure=("lost", "The receiver went away."))
    two = house.back("Bob")  # in a moment
    assert (told(house, one), told(house, two)) == ([id], [id])
    assert house.accept(two, id, offset=9).receiver is two
    house.leave(alice)
    house.carrier.end(id, failure=("lost", "The sender went away."))
    alice = house.back("Alice")
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert (told(house, one), told(house, two)) == ([id], [id, id])
    assert house.done(two, AcceptFile(id, direct=True)) == Done()
    house.leave(two)
    stall = house.service.settings.files.stall_seconds
    for seconds, heard in ((stall - 1, 1), (2, 2), (stall + 1, 2)):
        house.now += seconds
        house.service.sweep()
        assert told(house, one) == [id] * heard
    assert house.accept(one, id, offset=0).receiver is one
    house.carrier.end(id, failure=("stalled", "Nothing moved."))
    assert told(house, house.back("Bob")) == [id], "who is new may be who was away"


def test_what_is_offered_elsewhere_waits_for_its_sender() -> None:
    house = FileHouse()
    alice, one = house.register("Alice"), house.register("Bob")
    two = house.back("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(two, id)
    house.leave(alice)
    house.carrier.end(id, failure=("lost", "The sender went away."))
    house.now += house.service.settings.files.stall_seconds + 1
    house.service.sweep()
    alice = house.back("Alice")
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert (told(house, one), told(house, two)) == ([id], [id, id]), "who has a part of it goes before"
    house.service.sweep()
    assert (told(house, one), told(house, two)) == ([id, id], [id, id])


def test_what_is_declined_is_declined_on_all_devices() -> None:
    house = FileHouse()
    alice, one = house.enter("Alice"), house.register("Bob")
    two = house.back("Bob")
    id = house.offer(alice)
    assert house.done(one, DeclineFile(id)) == Done()
    declined = [FileDeclined("Alice", "Bob", "cat.png", id)]
    assert house.outlet.of(alice, FileDeclined) == house.outlet.of(two, FileDeclined) == declined
    assert house.outlet.of(one, FileDeclined) == []


def test_to_oneself_on_another_device() -> None:
    house = FileHouse()
    phone, laptop = house.register("Alice"), house.back("Alice")
    id = house.offer(phone, to="Alice")
    assert (told(house, phone), told(house, laptop)) == ([], [id])
    refused(house.done(phone, AcceptFile(id)), Code.NOT_FOUND, "offer")  # what it has itself
    assert house.accept(laptop, id).sender is phone
    house.carrier.end(id, DIGEST)
    assert done(house, phone) == done(house, laptop) == [(id, DIGEST)]


def test_by_the_senders_name_the_oldest_of_that_filename_is_meant() -> None:
    house = FileHouse()
    alice, bob, carol = house.enter("Alice"), house.enter("Bob"), house.enter("Carol")
    other = house.offer(carol)
    first, second, third = house.offer(alice), house.offer(alice), house.offer(alice, filename="dog.png")
    refused(house.done(bob, AcceptFile(sender="Alice", filename="cow.png")), Code.NOT_FOUND)
    refused(house.done(bob, AcceptFile(sender="Nobody", filename="cat.png")), Code.NOT_FOUND)
    refused(house.done(bob, AcceptFile(sender="\0", filename="cat.png")), Code.NOT_FOUND)
    for filename in ("cat.png", "cat.png", "dog.png"):
        assert house.done(bob, AcceptFile(sender="alice", filename=filename)) == Done()
    assert [one.offer.id for one in house.carrier.relays] == [first, second, third]
    refused(house.done(bob, AcceptFile(sender="Alice", filename="cat.png")), Code.NOT_FOUND)
    assert house.done(bob, DeclineFile(filename="cat.png")) == Done()
    assert [one.offer for one in house.outlet.of(carol, FileDeclined)] == [other]


def test_only_whom_it_is_offered_to_may_take_or_decline_it() -> None:
    house = FileHouse()
    alice, bob, eve = house.enter("Alice"), house.enter("Bob"), house.enter("Eve")
    id = house.offer(alice)
    for session in (eve, alice):
        refused(house.done(session, AcceptFile(id)), Code.NOT_FOUND, "offer")
        refused(house.done(session, DeclineFile(id)), Code.NOT_FOUND, "offer")
    for command in (CancelFile(id), StartFile(id), FinishFile(id, DIGEST)):
        refused(house.done(eve, command), Code.NOT_FOUND, "offer")
    refused(house.done(eve, OfferFile("cat.png", 10, "Bob", offer=id)), Code.NOT_FOUND, "offer")
    assert refused(house.done(eve, AcceptFile(id)), Code.NOT_FOUND) == refused(
        house.done(eve, AcceptFile("00" * 16)), Code.NOT_FOUND
    )
    assert shown(house, eve) == []
    house.accept(bob, id)


def test_what_is_on_its_way_is_not_taken_twice_nor_declined() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    refused(house.done(bob, AcceptFile(id)), Code.BAD_REQUEST, "offer")
    refused(house.done(bob, DeclineFile(id)), Code.NOT_FOUND, "offer")
    refused(house.done(bob, FinishFile(id, DIGEST)), Code.NOT_FOUND)
    assert len(house.carrier.relays) == 1
    house.carrier.end(id, DIGEST)


# -- what is refused


@pytest.mark.parametrize(
    ("size", "code"),
    [(-1, Code.BAD_REQUEST), (-(2**63), Code.BAD_REQUEST), (1001, Code.TOO_LARGE), (2**63, Code.TOO_LARGE)],
)
def test_a_size_that_no_file_has(size: int, code: Code) -> None:
    house = FileHouse(FileSettings(max_live_size=1000))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    refused(house.done(alice, OfferFile("cat.png", size, "Bob")), code, "size")
    assert told(house, bob) == []
    for size in (0, 1000):
        house.offer(alice, size=size)
    assert len(told(house, bob)) == 2


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../cat.png", "a/b", "a\\b", "a\0b", "a\nb", "CON", "cat\u202egnp.exe", "x" * 10_000],
)
def test_a_name_that_no_file_may_have(name: str) -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    answer = house.done(alice, OfferFile(name, 1, "Bob"))
    if isinstance(answer, Offered):  # made harmless
        (event,) = house.outlet.of(bob, FileOffered)
        assert event.filename != name
        assert not set(event.filename) & set("/\\\0\n\u202e")
    else:
        refused(answer, Code.BAD_REQUEST, "filename")
        assert told(house, bob) == []


def test_nobody_is_flooded_with_offers() -> None:
    house = FileHouse(FileSettings(max_offers=2, max_offers_total=3))
    alice, bob, carol = house.enter("Alice"), house.enter("Bob"), house.enter("Carol")
    first = house.offer(alice)
    house.offer(alice)
    answer = refused(house.done(alice, OfferFile("cat.png", 1, "Bob")), Code.RATE_LIMITED)
    assert answer.limit == "files.max_offers"
    house.offer(carol)
    answer = refused(house.done(carol, OfferFile("cat.png", 1, "Bob")), Code.RATE_LIMITED)
    assert answer.limit == "files.max_offers_total"
    assert house.done(bob, DeclineFile(first)) == Done()
    house.offer(bob, to="Alice")  # what is offered to somebody counts not against them


def test_hello_is_bounded_in_bytes_on_both_sides() -> None:
    house = FileHouse(FileSettings(max_hello=4))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    refused(house.done(alice, OfferFile("cat.png", 1, "Bob", hello="ééé")), Code.TOO_LARGE, "hello")
    id = house.offer(alice, hello="éé")
    refused(house.done(bob, AcceptFile(id, direct=True, hello="ééé")), Code.TOO_LARGE, "hello")
    assert house.done(bob, AcceptFile(id, direct=True, hello="éé")) == Done()


def test_to_nobody_and_to_a_room_and_a_person_at_once() -> None:
    house = FileHouse()
    alice = house.enter("Alice")
    house.enter("Bob")
    refused(house.done(alice, OfferFile("cat.png", 1)), Code.BAD_REQUEST, "to")
    refused(house.done(alice, OfferFile("cat.png", 1, "Nobody")), Code.NOT_FOUND, "to")
    refused(house.done(alice, OfferFile("cat.png", 1, "Bob", room="lobby")), Code.BAD_REQUEST, "to")


def test_the_offset_lies_within_the_file_and_needs_a_digest_of_the_whole() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    sure, unsure = house.offer(alice, sha256=DIGEST), house.offer(alice)
    for offset in (-1, 11, 2**63):
        refused(house.done(bob, AcceptFile(sure, offset=offset)), Code.BAD_REQUEST, "offset")
        refused(house.done(bob, AcceptFile(unsure, offset=offset)), Code.BAD_REQUEST, "offset")
    refused(house.done(bob, AcceptFile(unsure, offset=1)), Code.BAD_REQUEST, "offset")
    assert house.accept(bob, sure, offset=10).offset == 10
    assert house.accept(bob, unsure, offset=0).offset == 0


# -- ends


def test_a_decline_is_told_to_the_sender_and_ends_it() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    assert house.done(bob, DeclineFile(sender="Alice", filename="cat.png")) == Done()
    assert house.outlet.of(alice, FileDeclined) == [FileDeclined("Alice", "Bob", "cat.png", id)]
    refused(house.done(bob, AcceptFile(id)), Code.NOT_FOUND)
    refused(house.done(bob, DeclineFile(id)), Code.NOT_FOUND)
    assert shown(house, alice) == []


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("side", ["Alice", "Bob"])
def test_either_side_may_break_it_off(side: str, running: bool) -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    if running:
        house.accept(bob, id)
    assert house.done(alice if side == "Alice" else bob, CancelFile(id)) == Done()
    assert failures(house, alice) == failures(house, bob) == [(id, "cancelled", False)]
    assert house.carrier.running == set()
    refused(house.done(alice, CancelFile(id)), Code.NOT_FOUND)
    refused(house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)), Code.NOT_FOUND)


def test_what_was_promised_and_what_arrived_differ() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    house.carrier.end(id, OTHER_DIGEST)
    for session in (alice, bob):
        assert failures(house, session) == [(id, "digest", False)]
        assert done(house, session) == []
        assert shown(house, session) == []


@pytest.mark.parametrize("reason", ["lost", "stalled", "storage"])
def test_what_broke_off_may_be_taken_again(reason: str) -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    house.carrier.end(id, failure=(reason, "It broke."))  # type: ignore[arg-type]
    assert failures(house, alice) == failures(house, bob) == [(id, reason, True)]
    assert shown(house, bob) == [(id, "interrupted")]
    assert house.accept(bob, id, offset=4).offset == 4
    house.carrier.end(id)  # the rest went through, and nobody but Bob has all of it
    assert done(house, alice) == []
    assert house.done(bob, FinishFile(id, DIGEST.upper())) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]


def test_a_wrong_digest_of_what_was_put_together_is_told_to_both() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id, offset=4)
    house.carrier.end(id)
    refused(house.done(alice, FinishFile(id, DIGEST)), Code.NOT_FOUND)  # it is the receiver's to say
    assert house.done(bob, FinishFile(id, OTHER_DIGEST)) == Done()
    assert failures(house, alice) == failures(house, bob) == [(id, "digest", False)]
    assert done(house, alice) == done(house, bob) == []


@pytest.mark.parametrize("reason", ["cancelled", "digest", "size"])
def test_what_was_wrong_may_not_be_taken_again(reason: str) -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    house.accept(bob, id)
    house.carrier.end(id, failure=(reason, "It is wrong."))  # type: ignore[arg-type]
    assert failures(house, bob) == [(id, reason, False)]
    assert shown(house, bob) == []


def test_an_offer_that_nobody_takes_expires() -> None:
    house = FileHouse(FileSettings(offer_seconds=100.0))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id, running = house.offer(alice), house.offer(alice)
    house.accept(bob, running)
    house.now += 100.0
    house.service.transfers.sweep()
    assert failures(house, bob) == []
    house.now += 0.1
    house.service.transfers.sweep()
    assert failures(house, alice) == failures(house, bob) == [(id, "expired", False)]
    house.carrier.end(running, DIGEST)  # a long way is no rest
    assert done(house, bob) == [(running, DIGEST)]


def test_who_does_not_say_whether_it_is_whole_is_waited_for_not_for_long() -> None:
    house = FileHouse(FileSettings(stall_seconds=10.0))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id, offset=4)
    house.carrier.end(id)
    house.now += 10.1
    house.service.transfers.sweep()
    assert failures(house, alice) == failures(house, bob) == [(id, "stalled", True)]
    house.accept(bob, id, offset=10)


def test_nothing_is_on_offer_where_nothing_can_be_kept() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.turns.finish(house.journal.close())
    refused(house.done(alice, OfferFile("cat.png", 1, "Bob")), Code.READ_ONLY)
    assert (told(house, bob), shown(house, alice)) == ([], [])


@pytest.mark.parametrize("more", [{"hello": "h"}, {"direct": True}, {}])
def test_who_can_say_what_arrived_is_waited_for(more: dict[str, Any]) -> None:
    """What the server handed over may be lost on its last way. Who cannot say is believed to have it."""
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.register("Bob")
    id = house.offer(alice, sha256=DIGEST)
    assert house.done(bob, AcceptFile(id, **more)) == Done()
    if more.get("direct"):
        assert house.done(alice, StartFile(id)) == Done()
    house.carrier.end(id, DIGEST)
    if not more:
        assert done(house, alice) == done(house, bob) == [(id, DIGEST)]
        return
    assert done(house, alice) == []
    house.leave(bob)  # it has only a part
    bob = house.back("Bob")
    assert told(house, bob) == [id]
    assert house.done(bob, AcceptFile(id, offset=7, hello="h")) == Done()
    house.carrier.end(id)
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]


# -- the direct way


def test_two_who_reach_each_other_need_no_carrier() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST, hello="from Alice")
    assert house.done(bob, AcceptFile(id, offset=3, direct=True, hello="at 10.0.0.7")) == Done()
    accepted = FileAccepted("Bob", "cat.png", id, 3, "at 10.0.0.7")
    assert house.outlet.of(alice, FileAccepted) == [accepted]
    refused(house.done(alice, FinishFile(id, DIGEST)), Code.NOT_FOUND)
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]
    assert house.carrier.relays == []


def test_two_who_do_not_reach_each_other_have_it_carried() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    refused(house.done(alice, StartFile(id)), Code.NOT_FOUND)  # nobody took it yet
    assert house.done(bob, AcceptFile(id, offset=3, direct=True)) == Done()
    refused(house.done(bob, StartFile(id)), Code.NOT_FOUND)
    assert house.done(alice, StartFile(id)) == Done()
    (relay,) = house.carrier.relays
    assert (relay.sender, relay.receiver, relay.offset) == (alice, bob, 3)
    refused(house.done(alice, StartFile(id)), Code.NOT_FOUND)
    house.carrier.end(id)
    assert house.done(bob, FinishFile(id, OTHER_DIGEST)) == Done()
    assert failures(house, alice) == failures(house, bob) == [(id, "digest", False)]


def test_who_waits_in_vain_for_the_direct_way_takes_it_again() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    house.done(bob, AcceptFile(id, direct=True))
    assert house.accept(bob, id).receiver is bob
    refused(house.done(alice, StartFile(id)), Code.NOT_FOUND)


def test_a_direct_transfer_whose_sender_is_back_can_be_taken_again() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.enter("Bob")
    id = house.offer(alice)
    house.done(bob, AcceptFile(id, direct=True))
    house.leave(alice)
    alice = house.back("Alice")
    assert isinstance(house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)), Offered)
    assert told(house, bob) == [id, id]
    assert house.accept(bob, id).sender is alice


# -- other ways


def test_a_person_in_plain_text_gets_a_link() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob", exclusive=True)
    id = house.offer(alice)
    link = house.done(bob, AcceptFile(sender="Alice", filename="cat.png"))
    assert isinstance(link, FileLink)
    assert link.url.startswith(f"/blobs/{id}/cat.png?ticket=")
    ticket = link.url.partition("?ticket=")[2]
    assert bob.user is not None
    assert house.service.links.take(ticket, "another") is None
    assert house.service.links.take(ticket, id) is not None
    assert house.service.links.take(ticket, id) is None
    sink = object()
    assert alice.user is not None
    fetch = house.service.transfers.fetch
    refused(fetch(id, alice.user.id, sink), Code.NOT_FOUND)
    assert fetch(id, bob.user.id, sink) is None
    assert [(offer.id, who, to) for offer, who, to in house.carrier.served] == [(id, alice, sink)]
    refused(fetch(id, bob.user.id, object()), Code.NOT_FOUND)  # it is on its way
    house.carrier.end(id, DIGEST)
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]


def test_what_is_fetched_by_a_link_begins_anew() -> None:
    house = FileHouse()
    alice, one = house.enter("Alice"), house.register("Bob")
    two = house.back("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(two, id, offset=7)
    house.carrier.end(id, failure=("stalled", "Nothing moved."))
    assert one.user is not None
    assert house.service.transfers.fetch(id, one.user.id, object()) is None
    assert [taken.offset for taken in house.outlet.of(one, FileAccepted)] == [7, 0]


def test_a_link_serves_nothing_while_the_sender_is_away() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.enter("Bob", exclusive=True)
    id = house.offer(alice)
    house.leave(alice)
    assert bob.user is not None
    refused(house.service.transfers.fetch(id, bob.user.id, object()), Code.NOT_FOUND)
    assert house.carrier.served == []


def test_chunks_go_to_whoever_carries() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    refused(house.done(alice, SendChunk(id, 0, b"x")), Code.NOT_FOUND, "offer")
    house.accept(bob, id)
    assert house.done(alice, SendChunk(id, 0, b"x")) == Done()
    assert [one.data for one in house.carrier.chunks] == [b"x"]


def test_a_file_for_one_person_is_never_offered_to_somebody_else_of_that_name() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    assert bob.user is not None
    meant = bob.user.id
    answer = house.done(alice, OfferFile("cat.png", 10, "Bob", to_id=meant))
    assert isinstance(answer, Offered)
    assert told(house, bob) == [answer.offer]
    house.leave(bob)
    refused(house.done(alice, OfferFile("cat.png", 10, "Bob", to_id=meant)), Code.NOT_FOUND, "to")
    stranger = house.enter("Bob")
    refused(house.done(alice, OfferFile("cat.png", 10, "Bob", to_id=meant)), Code.NOT_FOUND, "to_id")
    stranger.quiet = True  # asks by HTTP alone: the file would be kept
    refused(house.done(alice, OfferFile("cat.png", 10, "Bob", to_id=meant)), Code.NOT_FOUND, "to_id")
    assert told(house, stranger) == []
    assert house.carrier.kept == []
    refused(
        house.done(alice, OfferFile("cat.png", 10, None, "lobby", to_id=meant)), Code.BAD_REQUEST, "to_id"
    )
