import en from "./en/playground";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/playground"));
