import { describe, expect, it } from "vitest";
import { typed } from "./menu";

describe("typing in a menu", () => {
  const labels = ["Online", "Away", "Busy", "Offline"];
  it("goes to the next that begins so, and round", () => {
    expect(typed(labels, "o", 1)).toBe(3);
    expect(typed(labels, "O", 4)).toBe(0);
  });
  it("takes several letters", () => {
    expect(typed(labels, "of", 0)).toBe(3);
  });
  it("stays where nothing begins so", () => {
    expect(typed(labels, "x", 0)).toBe(-1);
    expect(typed([], "x", 0)).toBe(-1);
  });
});
