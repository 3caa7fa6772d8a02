"""Files over bad lines: each arrives whole, or is clearly refused, whatever is cut, held up or torn apart."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from couriers import Receiver, Sender
from file_peers import CODECS, close_all, content, device, digest
from impaired import Impaired, Plan
from serving import serving

SEED = int(os.environ.get("TRANSFERS_SEED", "20261128"))
ROUNDS = int(os.environ.get("TRANSFERS_ROUNDS", "12"))
"""More of them, with seeds that follow: for a night."""

PLANS = (
    Plan(cut=(3_000, 400_000), whole_after=12),
    Plan(cut=(3_000, 400_000), whole_after=12, segment=(1, 20_000)),
    Plan(cut=(20_000, 900_000), whole_after=8, reset=True, delay=(0.0, 0.002)),
    Plan(cut=(20_000, 900_000), whole_after=8, reset=False, rate=4_000_000),
    Plan(cut=(3_000, 600_000), whole_after=10, freeze=(0.0, 0.4), freeze_at=(0, 200_000)),
)


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_every_file_arrives_whatever_becomes_of_the_lines() -> None:
    lines = resumed = 0
    with serving("--limits", "off") as server:
        for number in range(ROUNDS):
            chance = random.Random(SEED + number)
            names = f"Alice-{number}", f"Bob-{number}"
            device(server.port, names[0], new=True).close()
            device(server.port, names[1], new=True)  # somebody is there: else the server would keep the file
            data = content(chance.randrange(1, 1_500_000), SEED + number)
            got = bytearray()
            with Impaired(server.port, SEED + number, PLANS[number % len(PLANS)]) as line:
                where = (lambda port: lambda: port)(line.port)
                sender = Sender(where, names[0], chance.choice(list(CODECS)), names[1], data, digest(data))
                receiver = Receiver(
                    where,
                    names[1],
                    chance.choice(list(CODECS)),
                    names[0],
                    lambda more, _, got=got: got.extend(more),  # type: ignore[misc]
                    lambda got=got: digest(got),  # type: ignore[misc]
                )
                with ThreadPoolExecutor(2) as pool:
                    both = [pool.submit(receiver.run), pool.submit(sender.run)]
                    for one in both:
                        one.result()
            assert digest(got) == digest(data), f"seed {SEED + number}"
            lines += sender.lines + receiver.lines
            resumed += any(sender.starts)
        close_all()
    assert lines > 3 * ROUNDS, "the lines were cut"
    assert resumed > ROUNDS // 4, "and some went on where they had stopped"
