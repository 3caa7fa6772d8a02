// What a file is, by its media type (RFC 6838): only as far as it is shown differently.

import type { IconName } from "../ui/icons";

// Those that the server lets a browser show, and the browsers can.
const pictures = new Set(["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"]);
const sounds = new Set(["audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/opus", "audio/wav", "audio/webm"]);
const films = new Set(["video/mp4", "video/ogg", "video/webm"]);

export type Kind = "picture" | "sound" | "film" | "other";

export function kindOf(type: string): Kind {
  if (pictures.has(type)) return "picture";
  if (sounds.has(type)) return "sound";
  return films.has(type) ? "film" : "other";
}

export function iconOf(type: string): IconName {
  if (type.startsWith("image/")) return "image";
  if (type.startsWith("audio/")) return "music";
  return type.startsWith("video/") ? "video" : "file";
}

/** Bytes up to which a picture without a thumbnail is shown as it is. */
export const MAX_SHOWN = 256 * 1024;

/** Where a kept file is. */
export function addressOf(file: { readonly file: string; readonly name: string }): string {
  return `/blobs/${encodeURIComponent(file.file)}/${encodeURIComponent(file.name)}`;
}
