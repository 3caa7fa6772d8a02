import en from "./en/chat";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/chat"));
