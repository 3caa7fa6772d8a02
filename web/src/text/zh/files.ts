export default {
  attach: "发送文件",
  view: "查看 {name}",
  download: "下载 {name}",
  close: "关闭",
  picture: "图片：{name}",
  notShown: "无法显示这张图片",
} as const;
