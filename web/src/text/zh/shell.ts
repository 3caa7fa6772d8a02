export default {
  close: "关闭",
  showPassword: "显示密码",
  hidePassword: "隐藏密码",
} as const;
