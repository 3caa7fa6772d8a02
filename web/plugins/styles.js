// Fetches a part of the page together with its styles, and waits for both. Vite's own way is longer: here scripts are
// found by themselves (`modulePreload` in vite.config.js), every address begins at the root, and no style has a nonce.

/** @type {Record<string, Element | Promise<unknown>>} */
const asked = {};

/**
 * These two become the page's own code, as they stand here.
 * @template T
 * @param {() => Promise<T>} part
 * @param {readonly string[]} paths
 */
async function preload(part, paths = []) {
  return (await Promise.all([part(), ...paths.map(style)]))[0];
}

/** @param {string} path */
function style(path) {
  return (asked[path] ??=
    document.querySelector(`link[href="/${path}"]`) ??
    new Promise((resolve, reject) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = `/${path}`;
      link.onload = resolve;
      link.onerror = () => {
        delete asked[path]; // so that it is asked for anew
        link.remove();
        reject(new Error(`there is no ${path}`));
      };
      document.head.append(link);
    }));
}

/** @returns {import("vite").Plugin} */
export function styles() {
  return {
    name: "styles",
    apply: "build",
    transform: {
      filter: { id: /vite\/preload-helper\.js$/ },
      handler(code) {
        if (!code.includes("export const __vitePreload = ")) return this.error("this Vite preloads in another way");
        return { code: `const asked = {};\n${style}\nexport const __vitePreload = ${preload};`, map: null };
      },
    },
  };
}
