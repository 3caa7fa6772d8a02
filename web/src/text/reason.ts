import type { Refused } from "../state/contract";
import en from "./en/reason";
import { currentLanguage, texts } from "./text.svelte";

const t = texts(en, () => import("./zh/reason"));

/** Why something failed, for people. The server says it in English, in detail; else it is said by its code. */
export function reason(error: unknown): string {
  const { code: said, field, message, retryAfter } = error as Partial<Refused>;
  const told = message ?? String(error);
  const code = said === "not_found" && field === "to_id" ? "somebody_else" : said;
  if (currentLanguage() === "en" || code === undefined || !(code in en)) return told;
  const words = t(code as keyof typeof en);
  if (words === "") return told;
  return retryAfter === undefined ? words : words + t("retry", { n: Math.ceil(retryAfter) });
}
