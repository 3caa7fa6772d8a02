export default {
  send: "Send",
} as const;
