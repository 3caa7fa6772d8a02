// Short words about what just happened, at the edge of the page for some seconds.

import { reason } from "../text/reason";

export interface Toast {
  readonly id: number;
  readonly kind: "info" | "ok" | "error";
  readonly text: string;
  readonly action: { readonly label: string; run(): void } | null;
}

const seconds = { info: 5, ok: 4, error: 9 };
const most = 4;

let last = 0;
let shown = $state<readonly Toast[]>([]);

export const toasts = {
  get all(): readonly Toast[] {
    return shown;
  },
};

/** Say it. What is said already is not said twice. */
export function toast(text: string, kind: Toast["kind"] = "info", action: Toast["action"] = null): void {
  if (shown.some((one) => one.text === text)) return;
  const id = ++last;
  shown = [...shown.slice(1 - most), { id, kind, text, action }];
  setTimeout(() => dismiss(id), seconds[kind] * (action ? 2000 : 1000));
}

/** Say why something failed. */
export function toastError(error: unknown): void {
  toast(reason(error), "error");
}

export function dismiss(id: number): void {
  shown = shown.filter((one) => one.id !== id);
}
