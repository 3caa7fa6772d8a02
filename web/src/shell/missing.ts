// A part of the page could not be fetched. A browser may keep that for as long as the page stands: then only another
// page has the part.

import { t } from "../text/shell";
import { toast } from "../ui/toast.svelte";

export function tellMissing(): void {
  toast(t("partMissing"), "error", { label: t("reload"), run: () => location.reload() });
}
