import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// One page for everything; the dashboard, the admin page, the playground and uploads are loaded by need.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page knows no data: URL
    modulePreload: { polyfill: false }, // it would be an inline script
  },
});
