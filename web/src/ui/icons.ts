// The drawings of the page, on a grid of 24: strokes with round ends, one path each. These are there from the
// beginning; the others (`further_icons.ts`) come with the first that is shown.

export const ring = (x: number, y: number, r: number): string => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0-${2 * r} 0`;
const person = `${ring(12, 8, 4)}M4 21c.6-4.4 3.7-6.5 8-6.5s7.4 2.1 8 6.5`;
const bell = "M6 10a6 6 0 0 1 12 0c0 4.5 1.6 6 2.5 7h-17c.9-1 2.5-2.5 2.5-7M10 20.5c1 1 3 1 4 0";

export const icons = {
  "arrow-down": "M12 4v16M5 13l7 7 7-7",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L14.5 7.5",
  bell,
  "bell-off": `${bell}M3 3l18 18`,
  check: "M4 12.5l5.5 5.5L20 7",
  "chevron-down": "M6 9l6 6 6-6",
  "chevron-left": "M15 6l-6 6 6 6",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 3v12M6.5 10l5.5 5.5 5.5-5.5M4 20.5h16",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  globe: `${ring(12, 12, 9)}M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18`,
  hash: "M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  image: `M4 4h16v16H4z${ring(9, 9, 1.5)}M4 17l5-4 3.5 3L16 12l4 4.5`,
  info: `${ring(12, 12, 9)}M12 11v5.5M12 7.5v.1`,
  lock: "M5 11h14v10H5zM8 11V8a4 4 0 0 1 8 0v3",
  message: "M4 4.5h16v12h-9l-5 4v-4H4z",
  more: `${ring(5, 12, 0.8)}${ring(12, 12, 0.8)}${ring(19, 12, 0.8)}`,
  music: `M9 17.5V5l11-2v12.5${ring(6.5, 17.5, 2.5)}${ring(17.5, 15.5, 2.5)}`,
  plus: "M12 5v14M5 12h14",
  refresh: "M20 4v5h-5M20 9a8.5 8.5 0 1 0 .3 5",
  reply: "M9 5L4 10l5 5M4 10h9a7 7 0 0 1 7 7v2",
  search: `${ring(10.5, 10.5, 6.5)}M15.5 15.5L21 21`,
  send: "M4 4l17 8-17 8 2.5-8zM6.5 12H13",
  settings: `M4 7h9M19 7h1M4 17h1M11 17h9${ring(16, 7, 2.5)}${ring(8, 17, 2.5)}`,
  smile: `${ring(12, 12, 9)}M8 14c1.8 2.7 6.2 2.7 8 0M9 9.5v.1M15 9.5v.1`,
  user: person,
  users: `${ring(9, 8.5, 3.5)}M2.5 20c.5-3.9 3-5.7 6.5-5.7s6 1.8 6.5 5.7M15.5 5.2a3.5 3.5 0 0 1 0 6.6M18 14.9c2 .7 3.2 2.4 3.5 5.1`,
  video: "M3 6h12v12H3zM15 10.5l6-3.5v10l-6-3.5",
  warning: "M12 3.5L22 20.5H2zM12 10v5M12 17.7v.1",
  "wifi-off": "M3 3l18 18M5 12.5a10 10 0 0 1 4-2.3M2 8.8a15 15 0 0 1 4.5-2.6M19 12.5a10 10 0 0 0-3-2M22 8.8A15 15 0 0 0 11 5M8.5 16a5 5 0 0 1 7 0M12 19.8v.1",
} as const;

export type IconName = keyof typeof icons | keyof typeof import("./further_icons").furtherIcons;
