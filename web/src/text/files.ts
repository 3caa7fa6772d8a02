import en from "./en/files";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/files"));
