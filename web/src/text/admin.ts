import en from "./en/admin";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/admin"));
