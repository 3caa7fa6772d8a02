"""Offers outlive lines and restarts: who is back goes on, and nobody else does."""

from __future__ import annotations

import pytest

from core.file_house import DIGEST, FileHouse, done, failures, refused, shown, told
from hubbub.core.answers import Done, LoggedIn, Offered
from hubbub.core.commands import Login, Logout
from hubbub.core.errors import Code
from hubbub.core.events import FileOffered
from hubbub.core.file_commands import AcceptFile, CancelFile, DeclineFile, FinishFile, OfferFile


def test_who_comes_is_told_what_is_offered_by_those_who_are_here() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.register("Bob")
    carol = house.enter("Carol")
    first, second = house.offer(alice), house.offer(carol)
    house.leave(alice)
    again = house.back("Bob")
    assert told(house, again) == [second]  # nobody is there who could send the first
    refused(house.done(again, AcceptFile(first)), Code.NOT_FOUND, "offer")
    assert shown(house, again) == [(first, "offered"), (second, "offered")]
    house.accept(bob, second)
    assert told(house, house.back("Bob")) == []  # it is on its way


def test_the_sender_takes_an_offer_up_again() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.leave(alice)
    alice = house.back("Alice")
    for name, size in (("cat.jpg", 10), ("cat.png", 11)):
        refused(house.done(alice, OfferFile(name, size, "Bob", offer=id)), Code.BAD_REQUEST, "offer")
    refused(house.done(bob, AcceptFile(id)), Code.NOT_FOUND)
    eve = house.enter("Eve")
    refused(house.done(eve, OfferFile("cat.png", 10, "Bob", offer=id)), Code.NOT_FOUND)
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert told(house, bob) == [id, id]
    assert house.accept(bob, id, offset=7).sender is alice


def test_a_sender_who_is_back_before_the_old_line_is_known_to_be_dead() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    again = house.back("Alice")
    assert house.done(again, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert failures(house, bob) == [(id, "lost", True)]
    assert told(house, bob) == [id, id]
    assert house.accept(bob, id, offset=5).sender is again
    house.leave(alice)  # now the old line is known to be dead: nobody's business any more
    house.carrier.end(id)
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    assert done(house, again) == done(house, bob) == [(id, DIGEST)]


def test_a_sender_who_is_back_while_the_receiver_is_to_say_whether_it_is_whole() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.enter("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id, offset=5)
    house.carrier.end(id)
    house.leave(alice)
    alice = house.back("Alice")
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]


def test_a_receiver_whose_line_drops_takes_the_rest_by_another() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.register("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    house.leave(bob)
    if id in house.carrier.running:
        house.carrier.end(id, failure=("lost", "The receiver went away."))
    assert failures(house, alice) == [(id, "lost", True)]
    bob = house.back("Bob")
    assert told(house, bob) == [id]
    assert house.accept(bob, id, offset=6).receiver is bob
    house.carrier.end(id)
    house.leave(bob)  # before it could say that all is there
    bob = house.back("Bob")
    assert house.accept(bob, id, offset=10).offset == 10
    house.carrier.end(id)
    assert house.done(bob, FinishFile(id, DIGEST)) == Done()
    assert done(house, alice) == done(house, bob) == [(id, DIGEST)]


@pytest.mark.parametrize("side", ["Alice", "Bob"])
def test_who_logs_out_neither_sends_nor_gets_any_more(side: str) -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.register("Bob")
    id = house.offer(alice, sha256=DIGEST)
    house.accept(bob, id)
    leaving, staying = (alice, bob) if side == "Alice" else (bob, alice)
    house.done(leaving, Logout())
    assert leaving.user is None
    assert house.carrier.running == set()
    assert failures(house, staying) == [(id, "lost", True)]
    assert shown(house, staying) == [(id, "interrupted")]
    assert isinstance(house.done(leaving, Login(username="Eve")), LoggedIn)  # and the line is another's
    assert shown(house, leaving) == []
    refused(house.done(leaving, AcceptFile(id)), Code.NOT_FOUND)


def test_an_offer_of_one_who_left_before_it_was_kept_is_not_told() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    assert house.do(alice, OfferFile("cat.png", 10, "Bob"), object()) is None
    house.leave(alice)
    assert told(house, bob) == []


def test_offers_outlive_a_restart() -> None:
    house = FileHouse()
    alice, bob = house.register("Alice"), house.register("Bob")
    first = house.offer(alice, sha256=DIGEST, hello="h", filetype="image/png")
    house.now += 1
    second = house.offer(alice)
    house.accept(bob, first)
    house = house.again()
    bob = house.back("Bob")
    assert told(house, bob) == []  # nobody is there who could send them
    refused(house.done(bob, AcceptFile(first)), Code.NOT_FOUND, "offer")
    alice = house.back("Alice")
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=second)) == Offered(second)
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=first)) == Offered(first)
    offered = house.outlet.of(bob, FileOffered)
    assert [one.offer for one in offered] == [second, first]
    assert (offered[1].sha256, offered[1].hello, offered[1].filetype) == (DIGEST, "h", "image/png")
    assert house.done(bob, AcceptFile(sender="Alice", filename="cat.png")) == Done()
    assert house.carrier.relays[0].offer.id == first  # it is still the oldest
    house.carrier.end(first, DIGEST)
    house = house.again()
    house.back("Alice")
    assert shown(house, house.back("Bob")) == [(second, "offered")]


def test_a_guest_is_who_he_was_by_his_token() -> None:
    house = FileHouse()
    alice, bob = house.session(), house.enter("Bob")
    welcome = house.do(alice, Login(username="Alice"))
    assert isinstance(welcome, LoggedIn)
    id = house.offer(alice)
    house.leave(alice)
    other = house.enter("Alice")  # the name, and nothing of what was hers
    refused(house.done(other, OfferFile("cat.png", 10, "Bob", offer=id)), Code.NOT_FOUND)
    refused(house.done(other, CancelFile(id)), Code.NOT_FOUND)
    house.leave(other)
    alice = house.session()
    assert isinstance(house.do(alice, Login(username="Alice", token=welcome.token)), LoggedIn)
    assert house.done(alice, OfferFile("cat.png", 10, "Bob", offer=id)) == Offered(id)
    assert house.accept(bob, id).sender is alice


def test_who_takes_the_receivers_name_gets_nothing_of_it() -> None:
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    id = house.offer(alice)
    house.leave(bob)
    other = house.enter("Bob")
    assert (told(house, other), shown(house, other)) == ([], [])
    for command in (AcceptFile(id), DeclineFile(id), CancelFile(id), AcceptFile(sender="Alice")):
        refused(house.done(other, command), Code.NOT_FOUND)


def test_the_oldest_of_a_name_that_changed_hands_is_of_whom_it_was() -> None:
    """By name alone, what the present holder of the name offers is not mixed up with what another did."""
    house = FileHouse()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    old = house.offer(alice)
    house.leave(alice)
    new = house.offer(house.enter("Alice"))
    assert house.done(bob, AcceptFile(sender="Alice", filename="cat.png")) == Done()
    assert house.carrier.relays[-1].offer.id == new
    refused(house.done(bob, AcceptFile(old)), Code.NOT_FOUND, "offer")
