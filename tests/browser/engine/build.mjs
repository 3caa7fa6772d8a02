// Run in `web/`: builds the engine alone, as one script, into the folder that is named.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const [{ build }, { svelte }] = await Promise.all([load("vite"), load("@sveltejs/vite-plugin-svelte")]);

await build({
  configFile: false,
  logLevel: "warn",
  plugins: [svelte()],
  build: {
    lib: {
      entry: join(dirname(fileURLToPath(import.meta.url)), "page.ts"),
      formats: ["es"],
      fileName: "engine",
    },
    rolldownOptions: { output: { codeSplitting: false } },
    outDir: process.argv[2],
    emptyOutDir: true,
    minify: false,
    target: "es2022",
  },
});
