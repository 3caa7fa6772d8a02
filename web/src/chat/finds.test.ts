// Pages of a search, put together.

import { expect, test } from "vitest";
import type { Message } from "../state/contract";
import { pageOf, together } from "./finds";

const page = (more: boolean, ...offsets: number[]) => ({
  messages: offsets.map((offset) => ({ stream: "room:1", offset }) as Message),
  more,
});

test("what is found page by page is shown once each, until there is no more", () => {
  const first = pageOf(page(true, 9, 8));
  expect([first.last?.offset, first.more]).toEqual([8, true]);
  const second = together(first, page(true, 9, 8)); // one was deleted meanwhile: all begins anew
  expect([second.messages.map((one) => one.offset), second.last?.offset]).toEqual([[9, 8], 8]);
  const third = together(second, page(false, 8, 7));
  expect([third.messages.map((one) => one.offset), third.more]).toEqual([[9, 8, 7], false]);
  expect(together(third, page(true)).more).toBe(false); // nothing behind which to go on
});
