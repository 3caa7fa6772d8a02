import en from "./en/account";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/account"));
