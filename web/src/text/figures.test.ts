import { beforeAll, expect, test, vi } from "vitest";

vi.stubGlobal("document", { documentElement: { lang: "" } });
vi.stubGlobal("navigator", { language: "en-US" });
let figures: typeof import("./figures");
beforeAll(async () => {
  figures = await import("./figures");
});

test.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [1024 * 1024 - 1, "1 MiB"],
  [12.34 * 1024 * 1024, "12.3 MiB"],
  [5e18, "4,441 PiB"],
])("%i bytes", (value, text) => expect(figures.bytes(value)).toBe(text));

test.each([
  [0, "0 µs"],
  [999, "999 µs"],
  [999.7, "1 ms"],
  [1_234, "1.23 ms"],
  [999_999, "1 s"],
  [90_000_000, "90 s"],
])("%i µs", (value, text) => expect(figures.micros(value)).toBe(text));

test("numbers are short where they are long", () => {
  expect([0, 12.34, 1_234, 12_345, 1_234_567].map(figures.short)).toEqual(["0", "12.3", "1,234", "12.3K", "1.2M"]);
});

test("how long something lasts, by its two largest units", () => {
  expect([0, 59_999, 61_000, 3_600_000, 90_061_000].map(figures.span)).toEqual(["0s", "59s", "1m 1s", "1h", "1d 1h"]);
});

test("a language that is none is English", () => {
  vi.stubGlobal("navigator", { language: "en-US@posix" });
  expect(figures.locale()).toBe("en");
  expect(figures.number(1234)).toBe("1,234");
  vi.stubGlobal("navigator", { language: "de-DE" });
  expect(figures.locale()).toBe("en");
  vi.stubGlobal("navigator", { language: "en-GB" });
  expect(figures.locale()).toBe("en-GB");
});
