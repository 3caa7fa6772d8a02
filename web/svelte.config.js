import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Each stands in the page's script once for every element that is styled.
    cssHash: ({ hash, css }) => `s${hash(css).slice(-5)}`,
  },
};
