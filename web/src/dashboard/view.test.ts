import { expect, test } from "vitest";
import { HOUR } from "./hour";
import { View } from "./view.svelte";

const END = 10 * HOUR;

test("it moves with what comes, until it is held still", () => {
  const view = new View();
  expect(view.window(END)).toEqual({ from: END - 900_000, to: END });
  view.choose(300_000);
  view.pause(true, END);
  expect(view.window(END + 5_000)).toEqual({ from: END - 300_000, to: END });
  expect(view.settled(END + 5_000)).toBe(true);
  view.pause(false, END);
  expect(view.window(END + 5_000).to).toBe(END + 5_000);
});

test("zooming goes to the middle and back, and stays within the hour", () => {
  const view = new View();
  view.zoom(0.5, END);
  expect(view.window(END)).toEqual({ from: END - 675_000, to: END - 225_000 });
  expect([view.settled(END), view.settled(END - 225_001)]).toEqual([true, false]);
  for (let n = 0; n < 20; n++) view.zoom(0.5, END);
  expect(view.window(END).to - view.window(END).from).toBe(10_000);
  for (let n = 0; n < 20; n++) view.zoom(2, END);
  expect(view.window(END)).toEqual({ from: END - HOUR, to: END });
  view.reset();
  expect(view.window(END)).toEqual({ from: END - 900_000, to: END });
});

test("one can go back to the beginning of the hour and no further", () => {
  const view = new View();
  for (let n = 0; n < 30; n++) view.pan(-0.25, END);
  expect(view.window(END)).toEqual({ from: END - HOUR, to: END - HOUR + 900_000 });
  for (let n = 0; n < 30; n++) view.pan(0.25, END);
  expect(view.window(END).to).toBe(END);
});

test("another range ends a zoom", () => {
  const view = new View();
  view.show(END - 60_000, END - 30_000, END);
  expect(view.window(END)).toEqual({ from: END - 60_000, to: END - 30_000 });
  view.choose(HOUR);
  expect(view.window(END)).toEqual({ from: END - HOUR, to: END });
});
