import { expect, test } from "vitest";
import { found } from "./connections";
import type { ConnectionRow } from "./feed";

const row = (id: number, others: Partial<ConnectionRow>): ConnectionRow => ({
  id,
  name: `text-${id}`,
  user: null,
  user_id: null,
  dialect: "text",
  address: "192.0.2.1:5",
  secure: false,
  since: 0,
  queued: 0,
  rate: 0,
  slow: false,
  ...others,
});

test("connections are found by all words, in any of what is seen", () => {
  const rows = [row(1, { user: "Alice" }), row(2, { slow: true }), row(3, { dialect: "websocket", address: "[2001:db8::1]:9" })];
  const ids = (words: string): number[] => found(rows, words).map(({ id }) => id);
  expect(ids("  ")).toEqual([1, 2, 3]);
  expect(ids("ALICE")).toEqual([1]);
  expect(ids("text slow")).toEqual([2]);
  expect(ids("2001:db8")).toEqual([3]);
  expect(ids("alice websocket")).toEqual([]);
});
