// What is said of a file on its way.

import type { Offer } from "../state/contract";
import { bytes, span } from "../text/figures";
import { harmless } from "../text/harmless";
import { reason } from "../text/reason";
import { t } from "../text/transfers";
import type { Refusal } from "../wire/refusal";
import type { Upload } from "./upload.svelte";

const SOON = 5; // seconds, and less of what is left is not told

export function wordsOf(upload: Upload): string {
  const { state, error, file, moved, rate } = upload;
  switch (state) {
    case "waiting":
      return t("waiting");
    case "interrupted":
      return error === null ? t("interrupted") : t("interruptedBy", { why: why(error) });
    case "done":
      return t("done");
    case "failed":
      return error === null ? t("failedUnknown") : t("failed", { why: why(error) });
    case "running":
      return running(moved, file.size, rate);
  }
}

export function wordsOfOffer(offer: Offer): string {
  const name = otherOf(offer);
  switch (offer.state) {
    case "offered":
      return offer.own ? t("offered", { name }) : bytes(offer.size);
    case "running":
      return running(offer.moved, offer.size, 0);
    case "interrupted":
      return offer.reason === null ? t("interrupted") : t("interruptedBy", { why: whyOf(offer) });
    case "done":
      return offer.own ? t("done") : t("arrived");
    case "declined":
      return t("declined", { name });
    case "failed":
      return offer.error === null ? t("failedUnknown") : t("failed", { why: whyOf(offer) });
  }
}

/** The other person, as the name is shown. */
export function otherOf(offer: Offer): string {
  return harmless(offer.own ? offer.to : offer.from);
}

function running(moved: number, size: number, rate: number): string {
  const parts = [t("running", { moved: bytes(moved), size: bytes(size) })];
  if (rate > 0 && moved < size) {
    parts.push(t("rate", { rate: bytes(rate) }));
    const left = (size - moved) / rate;
    if (left > SOON) parts.push(t("left", { time: span(left * 1_000) }));
  }
  return parts.map((one) => one.replaceAll(" ", "\u00a0")).join(" · "); // a new line begins between them, if any
}

/** The server's refusal of an upload. */
function why(refusal: Refusal): string {
  const { code, field, limit } = refusal;
  if (limit === "files.max_size") return t("tooLarge");
  if (limit === "files.quota_user" || limit === "files.max_files_user") return t("ownFull");
  if (limit === "files.quota_total" || limit === "files.max_files") return t("allFull");
  if (limit === "files.max_offers" || limit === "files.max_offers_total") return t("tooManyOpen");
  if (code === "read_only") return t("cannotKeep");
  if (code === "rate_limited") return t("busy");
  if (code === "bad_request" && field === "filename") return t("badName");
  if (field === "to" || field === "room") return t("gone");
  return reason(refusal);
}

const known = new Set(["cancelled", "expired", "lost", "stalled", "size", "digest", "storage"] as const);

function whyOf(offer: Offer): string {
  for (const one of known) if (one === offer.reason) return t(one, { name: otherOf(offer) });
  return offer.error ?? "";
}
