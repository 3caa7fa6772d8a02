// The parts of a conversation that its first view does without.

type Parts = typeof import("./parts");

let parts = $state.raw<Parts | null>(null);
let asked: Promise<Parts> | undefined;

export const later = {
  /** What is there so far. */
  get parts(): Parts | null {
    return parts;
  },
  load(): Promise<Parts> {
    asked ??= import("./parts").then((loaded) => (parts = loaded));
    asked.catch(() => (asked = undefined)); // there is no line: the next one tries again
    return asked;
  },
};
