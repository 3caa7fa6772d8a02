// Leaves out of Svelte what this page has no use for, and no minifier can tell: each is guarded by a condition that
// only the page as a whole decides. What is decided here is a constant, and all that hangs on it goes.

/** @typedef {readonly [there: string, instead: string]} Change */

/** @type {Readonly<Record<string, readonly Change[]>>} */
const decided = {
  // It is mounted where nothing is yet: there is no page that a server has rendered, and that it would take over.
  "internal/client/dom/hydration.js": [
    ["export let hydrating = false;", "export const hydrating = false;"],
    ["\thydrating = value;", ""],
  ],
  // No template waits for a promise: the compiler takes none without `experimental.async`.
  "internal/client/reactivity/async.js": [["if (async.length === 0 && pending.length === 0) {", "if (true) {"]],
  "internal/client/dom/blocks/boundary.js": [
    ["if (this.#pending_count > 0) {", "if (false) {"],
    // `<svelte:boundary>` is refused below, and the one around all of the page holds no error back.
    ["if (!this.#props.onerror && !this.#props.failed) {", "if (true) {"],
  ],
  // No element has a style attribute, which the page's policy refuses: `style:` goes by CSSOM, and finds no text to keep.
  "internal/shared/attributes.js": [["\t\tif (value) {\n\t\t\t// strip comments", "\t\tif (false) {\n\t\t\t// strip comments"]],
  // A list by which nobody looks anything up in a browser.
  "utils.js": [["\t...DOM_BOOLEAN_ATTRIBUTES,\n", ""]],
};

/** @returns {import("vite").Plugin} */
export function lean() {
  return {
    name: "lean",
    apply: "build",
    transform: {
      filter: { id: [/\/svelte\/src\/.*\.js$/, /\/src\/.*\.svelte$/] },
      handler(code, id) {
        if (id.endsWith(".svelte")) return code.includes("$.boundary(") ? this.error("a boundary: see plugins/lean.js") : null;
        const changes = decided[id.split("/svelte/src/").at(-1) ?? ""];
        if (changes === undefined) return null;
        for (const [there, instead] of changes) {
          if (code.split(there).length !== 2) return this.error(`this Svelte has not, or not once: ${there}`);
          code = code.replace(there, () => instead);
        }
        return { code, map: null };
      },
    },
  };
}
