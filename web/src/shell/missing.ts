// A part of the page could not be fetched. Firefox keeps that for as long as the page stands (Chromium asks again), and a
// server that was renewed has the part no more: then only a reload helps.

import { t } from "../text/shell";
import { toast } from "../ui/toast.svelte";

export function tellMissing(): void {
  toast(t("partMissing"), "error", { label: t("reload"), run: () => location.reload() });
}
