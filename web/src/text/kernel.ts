import en from "./en/kernel";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/kernel"));
