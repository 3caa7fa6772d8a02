import en from "./en/shell";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/shell"));
