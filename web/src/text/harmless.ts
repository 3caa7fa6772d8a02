// Names as they are shown: of people, rooms and files, which others chose.

// Controls, what turns the direction of writing, and what shows nothing but parts one name from another.
const turning = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** The name with U+FFFD in place of what would make it look like another one. */
export function harmless(name: string): string {
  return name.replace(turning, "\ufffd");
}
