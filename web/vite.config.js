import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { coded } from "./plugins/coded.js";
import { lean } from "./plugins/lean.js";
import { styles } from "./plugins/styles.js";
import { worker } from "./plugins/worker.js";

process.env["VITE_BUILD"] ??= "private"; // scripts/web.py tells the digest of the sources

// One page for everything; the dashboard, the admin page, the playground and uploads are loaded by need.
export default defineConfig({
  plugins: [svelte(), lean(), styles(), worker(), coded()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page knows no data: URL
    modulePreload: {
      polyfill: false, // it would be an inline script
      // A part's scripts are found by itself; its styles have to be there before it is shown.
      resolveDependencies: (_part, needed, { hostType }) =>
        hostType === "html" ? needed : needed.filter((path) => path.endsWith(".css")),
    },
    rolldownOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      // Svelte does not say of itself that its modules do nothing but what is called.
      treeshake: { moduleSideEffects: [{ test: /\/svelte\/src\/internal\/client\//, sideEffects: false }] },
      output: {
        // One file for all that the page needs at once: it is smaller than the same in two.
        codeSplitting: {
          groups: [
            // Of Svelte, what only fields and pages of their own use; by its index it would seem to be needed at once.
            {
              name: "fields",
              test: /\/svelte\/.*\/(bindings\/(input|select)|svelte-head)\.js$/,
              priority: 1,
              includeDependenciesRecursively: false,
            },
            { name: "chat", tags: ["$initial"], test: (/** @type {string} */ id) => !id.endsWith("/src/sw.ts") },
          ],
        },
        // The worker's address stays the same over all builds; everything else is named by its content.
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
