"""The relay of v0.1 once more, without asyncio: an edge-triggered reactor by hand (Linux).

    python examples/steps/epoll_reactor.py serve 8080
    python examples/steps/v0_1.py connect 8080     (or: nc 127.0.0.1 8080)

This is what an event loop is underneath. The parts have the names that C++ reactors give them:

    EventLoop   asks the Poller what has happened, and calls the Channels it happened to; for ever
    Poller      epoll(7): the kernel's list of sockets that we care about
    Channel     one socket, what we want to know about it, and what to call then
    Acceptor    the Channel of the listening socket: makes Connections
    Connection  the Channel of one client, with a Buffer for each direction
    Relay       what is served: all lines to everybody

*Edge-triggered* (EPOLLET) means: the kernel reports a change once, not a state again and again. It says
"there is something to read now", and never repeats it for the bytes that we leave. Three rules follow:

1. Read until EAGAIN, accept until EAGAIN. What is left lying is not reported again. Whoever stops earlier, to
   be fair to others, must remember it himself (`EventLoop.again`).
2. Write until EAGAIN, then ask for EPOLLOUT, and only then: an idle socket is always writable.
3. A call may find nothing (the report was about something older): EAGAIN is normal.
"""

import argparse
import contextlib
import errno
import io
import os
import select
import socket
from collections.abc import Callable

HOST = "127.0.0.1"
CHUNK = 64 * 1024  # bytes of one recv
READS_A_TURN = 16  # of one connection; then it is the others' turn
MAX_LINE = 64 * 1024  # bytes
MAX_BACKLOG = 1024 * 1024  # bytes that may wait for one slow reader
READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET


class Channel:
    """One file descriptor, what is asked of it (epoll flags), and who is told."""

    def __init__(self, fd: int, on_read: Callable[[], None], on_write: Callable[[], None]) -> None:
        self.fd = fd
        self.interest = READ
        self.on_read = on_read
        self.on_write = on_write


class Poller:
    """epoll, with Channels in place of numbers."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.channels: dict[int, Channel] = {}

    def add(self, channel: Channel) -> None:
        self.channels[channel.fd] = channel
        self.epoll.register(channel.fd, channel.interest)

    def update(self, channel: Channel, interest: int) -> None:
        """Ask for something else. Being ready already counts as a new edge, so nothing is missed."""
        if interest != channel.interest:
            channel.interest = interest
            self.epoll.modify(channel.fd, interest)

    def remove(self, channel: Channel) -> None:
        del self.channels[channel.fd]
        self.epoll.unregister(channel.fd)

    def wait(self, seconds: float) -> list[tuple[Channel, int]]:
        """Sleep until something happens; -1: however long that takes."""
        events = self.epoll.poll(seconds)
        return [(self.channels[fd], flags) for fd, flags in events if fd in self.channels]


class EventLoop:
    """Wait, dispatch, and never block anywhere else."""

    def __init__(self) -> None:
        self.poller = Poller()
        self.again: dict[int, Channel] = {}  # stopped before EAGAIN: the kernel will not remind us

    def run(self) -> None:
        """Until ctrl+c."""
        while True:
            unfinished, self.again = self.again, {}
            events = self.poller.wait(0 if unfinished else -1)
            for channel, flags in events:
                # A hang-up and an error are met by reading: recv says which it is.
                if flags & ~select.EPOLLOUT and self.is_open(channel):
                    channel.on_read()
                    unfinished.pop(channel.fd, None)
                if flags & select.EPOLLOUT and self.is_open(channel):
                    channel.on_write()
            for channel in unfinished.values():
                if self.is_open(channel):
                    channel.on_read()

    def is_open(self, channel: Channel) -> bool:
        """Whether an earlier call of the same turn has closed it (its number may be another's by now)."""
        return self.poller.channels.get(channel.fd) is channel


class Buffer:
    """Bytes on their way, with an upper bound."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self.limit = limit

    def append(self, data: bytes) -> bool:
        """Add bytes at the end. False: they are too many now."""
        self.data += data
        return len(self.data) <= self.limit

    def take_lines(self) -> bytes:
        """Cut off all whole lines. What is left is the beginning of the next one."""
        end = self.data.rfind(b"\n") + 1
        lines = bytes(self.data[:end])
        del self.data[:end]
        return lines


class Acceptor:
    """The listening socket."""

    def __init__(self, loop: EventLoop, port: int, on_accept: Callable[[socket.socket], None]) -> None:
        self.loop = loop
        self.listener = socket.create_server((HOST, port), backlog=1024)
        self.listener.setblocking(False)
        self.on_accept = on_accept
        self.spare = os.open(os.devnull, os.O_RDONLY)
        self.channel = Channel(self.listener.fileno(), self.accept_all, lambda: None)
        loop.poller.add(self.channel)

    def accept_all(self) -> None:
        """One edge may stand for many new connections: accept until EAGAIN."""
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EMFILE:
                    self.turn_one_away()
                self.loop.again[self.channel.fd] = self.channel  # that was not EAGAIN: more may be waiting
                return
            client.setblocking(False)
            self.on_accept(client)

    def turn_one_away(self) -> None:
        """Out of file descriptors: give up the spare one for a moment, to accept somebody and hang up."""
        os.close(self.spare)
        with contextlib.suppress(OSError):
            self.listener.accept()[0].close()
        self.spare = os.open(os.devnull, os.O_RDONLY)


class Connection:
    """One client."""

    def __init__(self, loop: EventLoop, client: socket.socket, relay: "Relay") -> None:
        self.loop = loop
        self.client = client
        self.relay = relay
        self.incoming = Buffer(MAX_LINE)
        self.outgoing = Buffer(MAX_BACKLOG)
        self.channel = Channel(client.fileno(), self.read, self.write)
        loop.poller.add(self.channel)

    def read(self) -> None:
        """Read until EAGAIN (rule 1), but not for ever."""
        for _ in range(READS_A_TURN):
            try:
                data = self.client.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            bounded = self.incoming.append(data)
            if lines := self.incoming.take_lines():
                for line in io.BytesIO(lines):
                    self.relay.publish(self, line)
                bounded = len(self.incoming.data) <= MAX_LINE
            if not data or not bounded:
                self.close()
            if not self.loop.is_open(self.channel):  # closed here, or by publish: it was too slow a reader
                return
        self.loop.again[self.channel.fd] = self.channel

    def send(self, data: bytes) -> None:
        """Queue bytes and try to send them. Past the bound the client is closed: it reads too slowly."""
        idle = not self.outgoing.data
        bounded = self.outgoing.append(data)
        if idle:  # else an EPOLLOUT is awaited already, and order must be kept
            self.write()
        if not bounded and len(self.outgoing.data) > MAX_BACKLOG:
            self.close()

    def write(self) -> None:
        """Write until EAGAIN or empty; ask for EPOLLOUT only while something is left (rule 2)."""
        try:
            while self.outgoing.data:
                del self.outgoing.data[: self.client.send(self.outgoing.data)]
        except BlockingIOError:
            self.loop.poller.update(self.channel, READ | select.EPOLLOUT)
        except OSError:
            self.outgoing.data.clear()  # it has gone: its next read will say so
        else:
            self.loop.poller.update(self.channel, READ)

    def close(self) -> None:
        if self.loop.is_open(self.channel):
            self.loop.poller.remove(self.channel)
            self.relay.connections.discard(self)
            self.client.close()


class Relay:
    """v0.1: a line goes to everybody, the sender too."""

    def __init__(self, loop: EventLoop) -> None:
        self.loop = loop
        self.connections: set[Connection] = set()

    def welcome(self, client: socket.socket) -> None:
        self.connections.add(Connection(self.loop, client, self))

    def publish(self, sender: Connection, line: bytes) -> None:
        try:
            line.decode()
        except UnicodeDecodeError:
            sender.send(b"[Server] Error: that line is not UTF-8.\n")
            return
        for connection in list(self.connections):  # a copy: sending may close one, and so change the set
            connection.send(line)


def main() -> None:
    parser = argparse.ArgumentParser(description="An edge-triggered reactor by hand: the relay of v0.1.")
    parser.add_argument("what", choices=["serve"])
    parser.add_argument("port", nargs="?", type=int, default=8080)
    loop = EventLoop()
    acceptor = Acceptor(loop, parser.parse_args().port, Relay(loop).welcome)
    print(f"listening on {HOST}:{acceptor.listener.getsockname()[1]}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        loop.run()


if __name__ == "__main__":
    main()
