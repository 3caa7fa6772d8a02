// The page to try the WebSocket by hand. What comes from the wire becomes text, never markup.
"use strict";

const LOG_LINES = 500; // frames kept on the page; a busy room would otherwise fill the memory
const CHAT_LINES = 500;

const at = (id) => document.getElementById(id);
const waiting = new Map(); // request id -> [resolve, reject]
let socket = null;
let room = null; // the one that was joined last; null: the one that a login joins
let token = null; // takes the guest's name back after a dropped line

// -- the page

function add(parent, className, parts, limit) {
  const atEnd = parent.scrollHeight - parent.scrollTop - parent.clientHeight < 40;
  const line = document.createElement("p");
  line.className = className;
  for (const [tag, text, name] of parts) {
    const part = document.createElement(tag);
    part.textContent = text;
    if (name) part.className = name;
    line.append(part);
  }
  parent.append(line);
  while (parent.childElementCount > limit) parent.firstElementChild.remove();
  if (atEnd) parent.scrollTop = parent.scrollHeight;
}

function log(direction, text) {
  const way = { sent: "→", received: "←", event: "·" }[direction];
  const time = new Date().toISOString().slice(11, 23);
  add(at("log"), direction, [["time", time], ["span", way, "way"], ["code", text]], LOG_LINES);
}

function chat(className, ...parts) {
  add(at("chat"), className, parts, CHAT_LINES);
}

function notice(text) {
  chat("notice", ["span", text]);
}

function showState(state, text) {
  at("state").dataset.state = state;
  at("state").textContent = text;
  const connected = state === "open";
  at("connect").disabled = connected || state === "connecting";
  at("connect").textContent = state === "failed" ? "Reconnect" : "Connect";
  at("disconnect").disabled = !connected;
}

// -- the wire

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  showState("connecting", "connecting …");
  const opened = new WebSocket(`${scheme}//${location.host}/ws`, "hubbub.v1");
  socket = opened;
  opened.addEventListener("open", () => {
    log("event", "connected");
    showState("open", "connected");
    if (token !== null) login({ token });
  });
  opened.addEventListener("message", (event) => {
    log("received", event.data);
    receive(JSON.parse(event.data));
  });
  opened.addEventListener("close", (event) => {
    if (socket !== opened) return;
    socket = null;
    const why = [event.code, event.reason].filter(Boolean).join(" ");
    log("event", `closed (${why})`);
    const wanted = event.code === 1000;
    showState(wanted ? "closed" : "failed", wanted ? "not connected" : `connection lost (${event.code})`);
    for (const [, reject] of waiting.values()) reject(new Error("the connection was closed"));
    waiting.clear();
  });
}

function send(text) {
  if (socket === null || socket.readyState !== WebSocket.OPEN) {
    log("event", "not connected: nothing was sent");
    return false;
  }
  socket.send(text);
  log("sent", text);
  return true;
}

function newId() {
  // crypto.randomUUID needs https or localhost; this page may come by plain http from elsewhere.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

function request(action, payload) {
  const id = newId();
  if (!send(JSON.stringify({ id, type: "request", action, payload }))) {
    return Promise.reject(new Error("not connected"));
  }
  return new Promise((resolve, reject) => waiting.set(id, [resolve, reject]));
}

async function ask(action, payload) {
  try {
    return await request(action, payload);
  } catch (error) {
    chat("refused", ["span", error.message]);
    return null;
  }
}

function receive(message) {
  if (message.type === "notification") {
    (EVENTS[message.event] ?? (() => {}))(message.data);
    return;
  }
  const answered = waiting.get(message.id);
  if (answered === undefined) return; // asked for by a raw frame
  waiting.delete(message.id);
  const [resolve, reject] = answered;
  if (message.type === "error") reject(new Error(message.data.message));
  else resolve(message.data);
}

const EVENTS = {
  message: ({ from, room: where, content }) => {
    const parts = [["b", from], ["span", `: ${content}`]];
    chat("message", ...parts, ...(room === null || where === room ? [] : [["small", where]]));
  },
  private: ({ from, to, content }) => chat("private", ["b", `${from} → ${to}`], ["span", `: ${content}`]),
  joined: ({ username, room: where }) => notice(`${username} came into ${where}`),
  left: ({ username, room: where }) => notice(where ? `${username} left ${where}` : `${username} left`),
  topic: ({ from, room: where, topic }) => notice(`${from} set the topic of ${where}: ${topic}`),
  status: ({ username, status }) => notice(`${username} is ${status}`),
  going_away: ({ reason, retry_after: seconds }) => {
    notice(`The server closes this connection (${reason})${seconds ? `, back in ${seconds} s` : ""}`);
  },
};

async function login(credentials) {
  const answer = await ask("login", credentials);
  if (answer === null) {
    token = null;
    return;
  }
  token = answer.token;
  showState("open", `connected as ${answer.username}`);
  notice(`You are ${answer.username} now`);
  if (room !== null) await join(room);
  else refreshRooms();
}

async function refreshRooms() {
  const answer = await ask("rooms", {});
  if (answer === null) return;
  at("rooms").replaceChildren(...answer.rooms.map(({ room: name }) => {
    const option = document.createElement("option");
    option.value = name;
    return option;
  }));
}

// -- what a person does

function onSubmit(id, act) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(event);
  });
}

at("connect").addEventListener("click", connect);
at("disconnect").addEventListener("click", () => {
  token = null;
  socket?.close(1000);
});
onSubmit("login", () => login({ username: at("name").value }));

onSubmit("join", () => join(at("room").value));

async function join(name) {
  const answer = await ask("join", { room: name });
  if (answer === null) return;
  room = answer.room;
  at("content").placeholder = `Say something in ${room}`;
  const topic = answer.topic ? `; its topic: ${answer.topic}` : "";
  notice(`You are in ${room} now, ${answer.members} here${topic}`);
  refreshRooms();
}

at("list").addEventListener("click", async () => {
  const answer = await ask("list", {});
  if (answer === null) return;
  const names = answer.users.map(({ username, status }) => status === "online" ? username : `${username} (${status})`);
  notice(`Online: ${names.join(", ") || "nobody"}`);
});

onSubmit("say", async () => {
  const content = at("content").value;
  const to = at("to").value.trim();
  const answer = await (to ? ask("whisper", { to, content }) : ask("publish", { room: room ?? undefined, content }));
  if (answer !== null) at("content").value = "";
});

onSubmit("gateway", async (event) => {
  let payload;
  try {
    payload = JSON.parse(at("payload").value);
  } catch (error) {
    at("counted").textContent = `Not JSON: ${error.message}`;
    return;
  }
  const action = event.submitter?.value ?? "echo";
  try {
    const answer = await request(action, payload);
    at("counted").textContent = action === "echo" ? `Echo: ${JSON.stringify(answer)}` : `Sent to ${answer.count}`;
  } catch (error) {
    at("counted").textContent = error.message;
  }
});

at("count").addEventListener("click", async () => {
  try {
    at("counted").textContent = `${(await request("get_connections", {})).count} connected`;
  } catch (error) {
    at("counted").textContent = error.message;
  }
});

onSubmit("raw", () => send(at("frame").value));
at("frame").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
    event.preventDefault();
    send(at("frame").value);
  }
});
at("clear").addEventListener("click", () => at("log").replaceChildren());

connect();
