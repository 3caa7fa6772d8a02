// The parts of a conversation that its first view can do without.

type Parts = typeof import("./parts");
type Details = typeof import("./details");

let parts = $state.raw<Parts | null>(null);
let details = $state.raw<Details | null>(null);

export const later = {
  /** What is there so far: for hands and fingers, and for messages that have more than words. */
  get parts(): Parts | null {
    return parts;
  },
  get details(): Details | null {
    return details;
  },
  // A browser asks once for what is there, and again for what it did not get.
  async load(): Promise<Parts> {
    parts ??= await import("./parts");
    return parts;
  },
  async loadDetails(): Promise<void> {
    details ??= await import("./details");
  },
};
