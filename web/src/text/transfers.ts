import en from "./en/transfers";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/transfers"));
