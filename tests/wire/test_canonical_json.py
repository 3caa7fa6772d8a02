"""The vectors of RFC 8785, and what has no canonical form."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given

from hubbub.wire.canonical_json import MAX_SIGNED, signed_part
from property.anything import JSON


def canonical(line: bytes) -> bytes:
    return signed_part(b'{"x":%b}' % line)[5:-1]


def test_the_example_of_the_rfc() -> None:
    """RFC 8785 §3.2.2 to §3.2.4."""
    line = rb"""{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false],
      "hmac": "left out"
    }"""
    assert (
        signed_part(line)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_members_are_sorted_by_utf_16() -> None:
    """RFC 8785 §3.2.3."""
    line = (
        rb'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",'
        rb'"1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",'
        rb'"\u00f6":"Latin Small Letter O With Diaeresis"}'
    )
    assert list(json.loads(signed_part(line)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(bits: str, shown: str) -> None:
    """RFC 8785, appendix B."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(repr(number).encode()) == shown.encode()


def _exact(value: object) -> bool:
    """Whether all its integers are within ±(2^53 - 1), also those that a float is written as."""
    if isinstance(value, dict):
        return all(map(_exact, value.values()))
    if isinstance(value, list):
        return all(map(_exact, value))
    return not isinstance(value, int | float) or abs(value) < 2**53


@given(JSON.filter(_exact))
def test_it_is_the_same_value_however_it_was_written(value: object) -> None:
    compact = canonical(json.dumps(value, separators=(",", ":")).encode())
    assert compact == canonical(json.dumps(value, indent=2, ensure_ascii=False).encode())
    assert json.loads(compact) == value
    assert canonical(compact) == compact


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b'{"x":9007199254740992}',
        b'{"x":1e400}',
        b'{"x":"\\ud800"}',
        b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"x":"' + b"x" * MAX_SIGNED + b'"}',
    ],
)
def test_what_has_no_canonical_form(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        signed_part(line)


@pytest.mark.parametrize("name", ["hmac", "command"])
def test_the_last_of_two_members_of_a_name_counts(name: str) -> None:
    twice = b'{"%b":"a","%b":"b"}' % (name.encode(), name.encode())
    assert signed_part(twice) == (b"{}" if name == "hmac" else b'{"command":"b"}')
