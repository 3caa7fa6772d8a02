// What happened to a line, in words.

import { t } from "../text/playground";
import type { Note } from "./frames";

/** Codes that have a text of their own: RFC 6455 §7.4.1, the registry of IANA, and what the protocol makes of them. */
const explained = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015] as const;

/** Why a line was closed with that code. */
function explain(code: number): string {
  const known = explained.find((one) => one === code);
  if (known !== undefined) return t(`close${known}`);
  if (code >= 3000 && code < 4000) return t("close3000");
  return t(code >= 4000 && code < 5000 ? "close4000" : "closeOther");
}

export function noteText(note: Note): string {
  switch (note.kind) {
    case "opened":
      return note.protocol === "" ? t("opened", { path: note.path }) : t("openedProtocol", { ...note });
    case "closed": {
      const why = explain(note.code);
      return note.reason === "" ? t("closed", { code: note.code, why }) : t("closedReason", { ...note, why });
    }
    case "unsent":
      return t("unsent");
    case "refused":
      return t("notTried", { why: note.why });
  }
}
