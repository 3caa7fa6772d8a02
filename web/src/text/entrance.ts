import en from "./en/entrance";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/entrance"));
