export default {
  attach: "Send files",
  view: "View {name}",
  download: "Download {name}",
  close: "Close",
  picture: "Picture: {name}",
  notShown: "This picture cannot be shown",
} as const;
