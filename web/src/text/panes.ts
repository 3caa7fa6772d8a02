import en from "./en/panes";
import { texts } from "./text.svelte";

export const t = texts(en, () => import("./zh/panes"));
