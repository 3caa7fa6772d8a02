"""A chat server that fails on purpose: `broken_chat.py FAULT PORT`. Speaks the JSON of bench/peers.

`lose`, `double`, `swap` (with the ninth) and `cut` (the connection) befall the first member at its eighth
message; `refuse` is everybody's upgrade, `mistake` names a publisher of another room; `none` is none.
"""

from __future__ import annotations

import asyncio
import json
import sys
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

EIGHTH = 7


class BrokenRoom:
    """Its members in the order in which they joined."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.members: list[ServerConnection] = []
        self.messages = 0
        self.kept: str | None = None

    def _for_first(self, text: str) -> list[str]:
        if self.messages == EIGHTH:
            if self.fault == "swap":
                self.kept = text
            return {"lose": [], "double": [text, text], "swap": []}.get(self.fault, [text])
        if self.kept is not None:
            texts, self.kept = [text, self.kept], None
            return texts
        return [text]

    async def publish(self, text: str) -> None:
        first, *others = self.members
        if self.fault == "mistake":
            text = text.replace("#00000000", "#00000001", 1)
        if self.fault == "cut" and self.messages == EIGHTH:
            first.transport.abort()
        for one in self._for_first(text):
            await first.send(one)
        for member in others:
            await member.send(text)
        self.messages += 1


async def main(fault: str, port: int) -> None:
    rooms: dict[str, BrokenRoom] = {}

    async def talk(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                command = json.loads(message)
                name = command["room"]
                room = rooms.setdefault(name, BrokenRoom(fault))
                if command["action"] == "join":
                    room.members.append(connection)
                    await connection.send(
                        json.dumps({"event": "joined", "room": name}, separators=(",", ":"))
                    )
                else:
                    event = {"event": "message", "room": name, "content": command["content"]}
                    await room.publish(json.dumps(event))
        except ConnectionClosed:
            return

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.FORBIDDEN, "not today\n") if fault == "refuse" else None

    async with serve(talk, "127.0.0.1", port, process_request=answer) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
