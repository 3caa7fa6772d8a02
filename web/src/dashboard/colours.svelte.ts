// Colours of the page for a canvas, which understands neither variables nor `light-dark()`.

let changes = $state(0);

/** Grows when the page turns light or dark. */
export function themeChanges(): number {
  return changes;
}

/** Watch for that, until the function that is returned is called. */
export function watchTheme(): () => void {
  const changed = (): void => void changes++;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(changed);
  system.addEventListener("change", changed);
  chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", changed);
    chosen.disconnect();
  };
}

/** What these variables are on `element` now, as a canvas takes it. */
export function colours(element: HTMLElement, names: readonly string[]): readonly string[] {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const found = names.map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return found;
}
