"""The contract of `core.ports.Claims`, held against every implementation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hubbub.adapters.claims_memory import MemoryClaims
from hubbub.core.ports import Claims, claim_all

CLAIMS: dict[str, Callable[[], Claims]] = {"memory": MemoryClaims}


@pytest.fixture(params=list(CLAIMS), name="claims")
def _claims(request: pytest.FixtureRequest) -> Claims:
    return CLAIMS[request.param]()


def test_one_owner_at_a_time(claims: Claims) -> None:
    assert claims.claim("alice", 1)
    assert not claims.claim("alice", 2)
    assert claims.claim("alice", 1), "claiming what one holds succeeds"
    claims.release("alice", 1)
    assert claims.claim("alice", 2)


def test_releasing_what_one_does_not_hold_does_nothing(claims: Claims) -> None:
    assert claims.claim("alice", 1)
    claims.release("alice", 2)
    claims.release("bob", 2)
    assert not claims.claim("alice", 2)


def test_all_keys_of_a_name_or_none(claims: Claims) -> None:
    assert claims.claim("user:b", 9)
    assert not claim_all(claims, "user:", ("a", "b"), 1)
    assert claims.claim("user:a", 2), "what was taken on the way was given back"
