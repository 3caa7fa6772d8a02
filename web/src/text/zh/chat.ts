export default {
  send: "发送",
} as const;
