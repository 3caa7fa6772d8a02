// A chat server on the `ws` library of node.
"use strict";

const { WebSocketServer } = require("ws");

const rooms = new Map();

function membersOf(room) {
  if (!rooms.has(room)) rooms.set(room, new Set());
  return rooms.get(room);
}

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });

server.on("connection", (socket) => {
  const joined = new Set();
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => {
    const { action, room, content } = JSON.parse(data);
    if (action === "join") {
      membersOf(room).add(socket);
      joined.add(room);
      socket.send(JSON.stringify({ event: "joined", room }));
    } else if (action === "publish") {
      const event = Buffer.from(JSON.stringify({ event: "message", room, content }));
      for (const member of membersOf(room)) member.send(event, { binary: false });
    }
  });
  socket.on("close", () => {
    for (const room of joined) membersOf(room).delete(socket);
  });
});
