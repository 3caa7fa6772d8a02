export default {
  close: "Close",
  showPassword: "Show the password",
  hidePassword: "Hide the password",
} as const;
