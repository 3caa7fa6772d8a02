// Tells the service worker what its build is made of: `__SHELL__`, what the page needs at once, and `__PARTS__`,
// all that it may load later. Both are paths.

/** @returns {import("vite").Plugin} */
export function worker() {
  return {
    name: "worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const sw = bundle["sw.js"];
        if (sw?.type !== "chunk") return this.error("there is no service worker");
        if (sw.imports.length > 0) return this.error("the service worker must be one file: a browser loads no other");
        const page = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry && file !== sw);
        const shell = new Set(["/", "/manifest.webmanifest", "/icon.svg"]);
        need(page?.fileName ?? this.error("there is no page"));
        const all = Object.keys(bundle).filter((name) => name.startsWith("assets/")).map((name) => `/${name}`);
        const parts = all.filter((path) => !shell.has(path));
        sw.code = sw.code.replace("__SHELL__", JSON.stringify([...shell])).replace("__PARTS__", JSON.stringify(parts));

        /** @param {string} name */
        function need(name) {
          const file = bundle[name];
          if (file?.type !== "chunk" || shell.has(`/${name}`)) return;
          shell.add(`/${name}`);
          for (const style of file.viteMetadata?.importedCss ?? []) shell.add(`/${style}`);
          file.imports.forEach(need);
        }
      },
    },
  };
}
