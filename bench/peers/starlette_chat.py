"""A chat server on Starlette, served by uvicorn: default WebSocket implementation, uvloop, no access log."""

from __future__ import annotations

import json
import sys
from collections import defaultdict

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

rooms: defaultdict[str, set[WebSocket]] = defaultdict(set)


async def send_to_room(room: str, text: str) -> None:
    """One member after the other: where nobody is slow, a task for each (`gather`) only costs more."""
    for member in list(rooms[room]):
        try:
            await member.send_text(text)
        except (WebSocketDisconnect, RuntimeError):  # it left between the listing and its turn
            rooms[room].discard(member)


async def talk(websocket: WebSocket) -> None:
    joined: set[str] = set()
    await websocket.accept()
    try:
        async for message in websocket.iter_text():
            command = json.loads(message)
            room = command["room"]
            if command["action"] == "join":
                rooms[room].add(websocket)
                joined.add(room)
                answer = {"event": "joined", "room": room}
                await websocket.send_text(json.dumps(answer, separators=(",", ":")))
            elif command["action"] == "publish":
                event = {"event": "message", "room": room, "content": command["content"]}
                await send_to_room(room, json.dumps(event, separators=(",", ":")))
    finally:
        for room in joined:
            rooms[room].discard(websocket)


app = Starlette(routes=[WebSocketRoute("/ws", talk)])

if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", access_log=False, log_level="warning")
