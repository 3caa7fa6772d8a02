"""What carries a file from one to another: Hubbub, socat, and magic-wormhole through a relay of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.ends import PATIENCE, NotMeasuredError, carry, sha256_of, write_content
from bench.machine import Cores, pinned
from bench.servers import Server, bare_environment, find_program, free_port, running
from bench.talker import Talker, agree, conclude

DIALS_WITHIN = 10.0


def hubbub(port: int, size: int, core: int | None) -> float:
    """Seconds between two plain-socket clients of v0.5, from the first byte sent to the last received."""
    with Talker(port, "Alice") as sender, Talker(port, "Bob") as receiver:
        agree(sender, receiver, size)
        seconds = carry(size, sender.socket, receiver.socket, core)
        conclude(sender, receiver, size)
    return seconds


def socat(size: int, cores: Cores, *options: str) -> float:
    """Seconds between the same two ends."""
    with _through_socat(cores.server, options) as (source, sink):
        return carry(size, source, sink, cores.driver)


@contextmanager
def _through_socat(
    core: int | None, options: tuple[str, ...]
) -> Iterator[tuple[socket.socket, socket.socket]]:
    program = find_program("socat")
    if program is None:
        raise NotMeasuredError("socat is missing")
    port = free_port()
    with ExitStack() as stack:
        beyond = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        beyond.settimeout(DIALS_WITHIN)
        ends = [f"TCP-LISTEN:{port},bind=127.0.0.1", f"TCP:127.0.0.1:{beyond.getsockname()[1]}"]
        with pinned(core):
            process = subprocess.Popen([program, *options, *ends])
        stack.callback(process.wait)
        stack.callback(process.kill)
        source = stack.enter_context(_dial(port))
        sink = stack.enter_context(beyond.accept()[0])
        yield source, sink


def _dial(port: int) -> socket.socket:
    """As soon as somebody listens there: socat takes one connection, so nobody may try it before."""
    deadline = time.monotonic() + DIALS_WITHIN
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise NotMeasuredError("socat does not listen") from None
            time.sleep(0.002)


def _twisted(plugin: str, module: str, *options: str) -> Server:
    """One of magic-wormhole's servers."""

    def command(port: int, _: Path) -> list[str]:
        twist = find_program("twist") or "twist"
        return [twist, plugin, f"--port=tcp:{port}:interface=127.0.0.1", *options]

    def missing() -> str | None:
        return None if importlib.util.find_spec(module) and find_program("twist") else module

    return Server(plugin, plugin, command, missing)


MAILBOX = _twisted("wormhole-mailbox", "wormhole_mailbox_server")
TRANSIT = _twisted("transitrelay", "wormhole_transit_relay")


def wormhole(size: int, cores: Cores, where: Path) -> float:
    """Seconds that a file takes through magic-wormhole's own relay, from its first byte on disk to its last.

    Its words, its key and its start are not counted.
    """
    program = find_program("wormhole")
    if tool := MAILBOX.missing() or TRANSIT.missing() or ("magic-wormhole" if program is None else None):
        raise NotMeasuredError(f"magic-wormhole: {tool} is missing")
    assert program is not None
    source, target = write_content(where / "sent", size), where / "received"
    with running(MAILBOX, cores.driver) as mailbox, running(TRANSIT, cores.server) as transit:
        relay = f"127.0.0.1:{transit.target.port}"
        places = [
            f"--relay-url=ws://127.0.0.1:{mailbox.target.port}/v1",
            f"--transit-helper=tcp:{relay}",
        ]
        code = "7-bench-words"
        sends = ["send", "--no-listen", "--hide-progress", f"--code={code}", str(source)]
        takes = ["receive", "--no-listen", "--hide-progress", "--accept-file", "-o", str(target), code]
        with (
            _started([program, *places, *sends], cores) as sender,
            _started([program, *places, *takes], cores) as receiver,
        ):
            seconds = _grows(target, size, receiver)
            told = receiver.communicate(timeout=PATIENCE)[0] + sender.communicate(timeout=PATIENCE)[0]
    _check_wormhole(told.decode(errors="replace"), relay, target, size)
    source.unlink()
    target.unlink()
    return seconds


@contextmanager
def _started(command: list[str], cores: Cores) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in bare_environment().items() if "WORMHOLE" not in name}
    with pinned(cores.driver):
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _grows(target: Path, size: int, receiver: subprocess.Popen[bytes]) -> float:
    """Seconds from its first byte to its last. It is written beside its name, and renamed at the end."""
    beside = target.with_name(f"{target.name}.tmp")
    deadline = time.monotonic() + PATIENCE
    began: float | None = None
    while time.monotonic() < deadline:
        now = time.monotonic()
        here = next((path.stat().st_size for path in (target, beside) if path.exists()), 0)
        if here and began is None:
            began = now
        if began is not None and here == size:
            return now - began
        if receiver.poll() is not None and here != size:
            break
        time.sleep(0.002)
    assert receiver.stdout is not None
    told = receiver.stdout.read() if receiver.poll() is not None else b"it stood still"
    raise NotMeasuredError(f"magic-wormhole: {told.decode(errors='replace').strip()}")


def _check_wormhole(told: str, relay: str, target: Path, size: int) -> None:
    """That it went through the relay, and is whole."""
    if not re.search(rf"relay:tcp:{re.escape(relay)}", told):
        raise NotMeasuredError(f"magic-wormhole went another way than its relay: {told.strip()}")
    with target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256_of(size):
            raise NotMeasuredError("magic-wormhole wrote something else than was sent")
