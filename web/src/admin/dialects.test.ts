// What is said of somebody's connections.

import { expect, test } from "vitest";
import { plainDialects } from "./dialects";

test("each dialect is named once, whatever the server calls its connections", () => {
  expect(plainDialects(["websocket+deflate", "api", "websocket", "websocket+deflate"])).toEqual(["websocket", "api"]);
  expect(plainDialects(["text", "unheard-of"])).toEqual(["text"]);
});
