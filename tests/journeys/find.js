// What a person sees and names: an element by its role and name, once it is there, at rest and not covered by a
// dialog. The same in every browser, whatever drives it. It is called with what is wanted.
//
//   {role, name}          the name is this;   {role, has}   it has this in it
//   within                a selector; gone: wait until there is none; count: until there are so many
//   left                  milliseconds that it may take

(async ({ role, name = null, has = null, within = "body", gone = false, count = null, left }) => {
  const selectors = {
    button: "button:not([role]), [role=button]",
    link: "a[href]",
    textbox: "textarea, input:not([type=radio], [type=checkbox], [type=file])",
    chooser: "input[type=file]",
    tab: "[role=tab]",
    menuitem: "[role^=menuitem]",
    option: "[role=option]",
    dialog: "dialog, [role=dialog]",
    radio: "input[type=radio]",
    switch: "[role=switch], input[type=checkbox]",
    article: "[role=log] article",
    region: "section[aria-label]",
    heading: "h1, h2, h3",
    picture: "img",
    alert: "[role=alert]",
    text: "*",
  };
  const frame = () => new Promise((done) => setTimeout(done, 16));
  const plain = (text) => text.replace(/\s+/g, " ").trim();

  function nameOf(element) {
    const by = element.getAttribute("aria-labelledby");
    if (by !== null) return plain(by.split(" ").map((id) => document.getElementById(id)?.innerText ?? "").join(" "));
    const label = element.getAttribute("aria-label") ?? element.getAttribute("alt");
    if (label !== null && role !== "article") return plain(label);
    if (element.labels?.length > 0) return plain([...element.labels].map((one) => one.innerText).join(" "));
    return plain(element.innerText ?? element.textContent);
  }

  function visible(element) {
    if (role === "chooser") return true;
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && element.checkVisibility({ visibilityProperty: true });
  }

  function matching() {
    const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
    const all = document.querySelectorAll(within);
    const found = [];
    for (const root of all) {
      for (const element of root.querySelectorAll(selectors[role])) {
        // What lies under a dialog cannot be reached; what is only read may be beside it.
        if (role !== "text" && role !== "article" && role !== "dialog" && modal && !modal.contains(element)) continue;
        if (!visible(element)) continue;
        if (name === null && has === null) found.push(element);
        else if (role === "text") {
          const own = plain([...element.childNodes].map((one) => (one.nodeType === 3 ? one.data : "")).join(""));
          if (name !== null ? own === name : own.includes(has)) found.push(element);
        } else {
          const called = nameOf(element);
          if (name !== null ? called === name : called.includes(has)) found.push(element);
        }
      }
    }
    return [...new Set(found)];
  }

  const deadline = performance.now() + left;
  for (;;) {
    const found = matching();
    if (gone ? found.length === 0 : count !== null ? found.length === count : found.length > 0) {
      if (gone || count !== null) return null;
      const one = found[0];
      const before = one.getBoundingClientRect();
      await frame();
      await frame();
      const after = one.getBoundingClientRect();
      if (one.isConnected && !one.disabled && before.top === after.top && before.left === after.left) return one;
    } else if (performance.now() > deadline) {
      const there = [...document.querySelectorAll(selectors[role])].filter(visible).slice(0, 40).map(nameOf);
      const wanted = JSON.stringify({ role, name, has, within, gone, count });
      throw new Error(`not found: ${wanted}; there are ${found.length}, and of its role ${JSON.stringify(there)}`);
    }
    if (performance.now() > deadline + 2_000) throw new Error(`never at rest: ${role} ${name ?? has}`);
    await frame();
  }
})
