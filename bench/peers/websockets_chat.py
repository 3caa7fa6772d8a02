"""A chat server on the `websockets` library: its own `broadcast`, on uvloop."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def talk(connection: ServerConnection) -> None:
    joined: set[str] = set()
    try:
        async for message in connection:
            command = json.loads(message)
            room = command["room"]
            if command["action"] == "join":
                rooms[room].add(connection)
                joined.add(room)
                await connection.send(json.dumps({"event": "joined", "room": room}, separators=(",", ":")))
            elif command["action"] == "publish":
                event = {"event": "message", "room": room, "content": command["content"]}
                broadcast(rooms[room], json.dumps(event, separators=(",", ":")))
    except ConnectionClosed:
        pass
    finally:
        for room in joined:
            rooms[room].discard(connection)


async def main(port: int) -> None:
    async with serve(talk, "127.0.0.1", port, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
