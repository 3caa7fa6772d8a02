import en from "./en/deeds";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/deeds"));
