import en from "./en/dashboard";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/dashboard"));
