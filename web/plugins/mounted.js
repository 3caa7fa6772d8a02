// Leaves out of Svelte what takes over a page that a server has rendered: this one is mounted where nothing is yet.
// Svelte guards all of that by one variable, which it sets itself; once that is a constant, the minifier sees through it.

const variable = "export let hydrating = false;";
const setting = "\thydrating = value;";

/** @returns {import("vite").Plugin} */
export function mounted() {
  return {
    name: "mounted",
    apply: "build",
    transform: {
      filter: { id: /\/svelte\/src\/internal\/client\/dom\/hydration\.js$/ },
      handler(code) {
        if (!code.includes(variable) || !code.includes(setting)) return this.error("this Svelte hydrates in another way");
        return { code: code.replace(variable, "export const hydrating = false;").replace(setting, ""), map: null };
      },
    },
  };
}
