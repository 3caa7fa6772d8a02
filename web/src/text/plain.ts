// What can be told of a message before its marks are read: that it has none, or that it is emoji and nothing else.

const marks = /[\\`*~[\]@#<>]|:\/\/|mailto:|www\.|^ {0,3}(?:[-+]|\d{1,9}[.)]) |\n[^\S\n]*\n/im;

/** Whether there is nothing to be read but the words. It may say no where there is nothing either. */
export function isPlain(source: string): boolean {
  return !marks.test(source);
}

const sign = "(?:\\p{Regional_Indicator}{2}|[0-9#*]\\ufe0f?\\u20e3|(?:\\p{Emoji_Presentation}|\\p{Extended_Pictographic})[\\ufe0f\\p{Emoji_Modifier}\\u{e0020}-\\u{e007f}]*(?:\\u200d(?:\\p{Emoji_Presentation}|\\p{Extended_Pictographic})[\\ufe0f\\p{Emoji_Modifier}]*)*)";
const signs = new RegExp(`^\\s*(?:${sign}\\s*){1,9}$`, "u");

/** Whether a message is a few emoji and nothing else: they are shown larger. */
export function isEmojiOnly(source: string): boolean {
  return source.length <= 160 && signs.test(source);
}
