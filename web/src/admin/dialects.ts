// The dialects by which somebody is here: each once, by the name that people know.

const names = ["text", "json", "ndjson", "protobuf", "websocket", "api"] as const;

/** From one for each connection, as the server calls them: "websocket+deflate" is a WebSocket as well. */
export function plainDialects(told: readonly string[]): readonly (typeof names)[number][] {
  const plain = new Set(told.map((name) => name.split("+", 1)[0]));
  return names.filter((name) => plain.has(name));
}
