import { expect, test } from "vitest";
import { filled } from "./placeholders";

test("placeholders are filled wherever they stand", () => {
  let made = 0;
  const ids = (): string => `id${++made}`;
  const known = { token: "t.1", connection: "c-1" };
  expect(filled('{"id":"{{id}}","again":"{{id}}"', known, ids)).toBe('{"id":"id1","again":"id1"');
  expect(filled("{{id}}", known, ids)).toBe("id2");
  expect(filled("{{token}} {{connection}} {{other}} {{ id }}", known, ids)).toBe("t.1 c-1 {{other}} {{ id }}");
  expect(filled("[{{token}}{{connection}}]", { token: null, connection: null }, ids)).toBe("[]");
  expect(filled("$& {{token}}", { token: "$&$1", connection: null }, ids)).toBe("$& $&$1");
});
