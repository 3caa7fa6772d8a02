// Codes what is served beforehand: `.br` and `.gz` beside each file that gets smaller by it.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressible = /\.(html|js|css|svg|json|webmanifest|txt)$/;
const least = 256; // bytes; below, headers are most of an answer

/** @returns {import("vite").Plugin} */
export function coded() {
  let out = "";
  return {
    name: "coded",
    apply: "build",
    configResolved(config) {
      out = config.build.outDir;
    },
    async writeBundle() {
      const entries = await readdir(out, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && compressible.test(entry.name));
      await Promise.all(files.map((file) => code(join(file.parentPath, file.name))));
    },
  };
}

/** @param {string} path */
async function code(path) {
  const content = await readFile(path);
  if (content.length < least) return;
  const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }; // quality 11 is Node's own
  for (const [ending, made] of [
    [".br", await promisify(brotliCompress)(content, brotli)],
    [".gz", await promisify(gzip)(content, { level: 9 })],
  ]) {
    if (made.length < content.length) await writeFile(path + ending, made);
  }
}
