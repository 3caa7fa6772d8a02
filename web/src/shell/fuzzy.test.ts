import { describe, expect, it } from "vitest";
import { best } from "./best";
import { score } from "./fuzzy";

const found = (typed: string, ...names: string[]): string[] => best(typed, names, (name) => name, 3);

describe("what somebody may have meant", () => {
  it("is everything while nothing is typed", () => {
    expect(found("", "den", "tea")).toEqual(["den", "tea"]);
  });
  it("begins with it, before it holds it, before it has its letters", () => {
    expect(found("te", "state", "t-of-e", "tea")).toEqual(["tea", "state", "t-of-e"]);
  });
  it("begins a word with it, before it holds it elsewhere", () => {
    expect(found("room", "mushroom", "tea-room")).toEqual(["tea-room", "mushroom"]);
  });
  it("is the shorter one of two that begin with it", () => {
    expect(found("op", "operations", "ops")).toEqual(["ops", "operations"]);
  });
  it("forgives case and accents, and takes Chinese", () => {
    expect(score("uber", "Übergabe")).toBeGreaterThan(0);
    expect(score("茶", "茶室")).toBeGreaterThan(0);
  });
  it("has all letters, in their order", () => {
    expect(score("dne", "den")).toBe(0);
    expect(score("den ", "den")).toBeGreaterThan(0);
    expect(score("denn", "den")).toBe(0);
  });
  it("is no expression", () => {
    expect(score(".*", "den")).toBe(0);
    expect(score("(", "den")).toBe(0);
  });
});
