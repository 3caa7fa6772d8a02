// A list that the server tells page by page, narrowed by what is typed.

import { reason } from "../text/reason";

export interface Page<T> {
  readonly rows: readonly T[];
  readonly more: boolean;
}

const calm = 200; // milliseconds without a further letter

export class Listing<T> {
  rows = $state.raw<readonly T[]>([]);
  more = $state(false);
  loading = $state(true);
  error = $state<string | null>(null);
  private typed = $state("");
  private due: ReturnType<typeof setTimeout> | undefined;
  private asked = 0; // of two answers the later question's counts

  constructor(
    private readonly ask: (q: string, after: string) => Promise<Page<T>>,
    private readonly nameOf: (row: T) => string,
  ) {
    void this.load();
  }

  get query(): string {
    return this.typed;
  }

  set query(text: string) {
    this.typed = text;
    clearTimeout(this.due);
    this.due = setTimeout(() => void this.load(), calm);
  }

  /** From the beginning. */
  load(): Promise<void> {
    return this.take("", []);
  }

  /** What comes behind the last row. */
  loadMore(): Promise<void> {
    const last = this.rows.at(-1);
    return this.take(last === undefined ? "" : this.nameOf(last), this.rows);
  }

  /** Put a changed row in the place of the old one; with null it goes. */
  replace(name: string, row: T | null): void {
    this.rows = this.rows.flatMap((one) => (this.nameOf(one) !== name ? [one] : row === null ? [] : [row]));
  }

  private async take(after: string, before: readonly T[]): Promise<void> {
    const turn = ++this.asked;
    this.loading = true;
    try {
      const page = await this.ask(this.typed.trim(), after);
      if (turn !== this.asked) return;
      this.rows = [...before, ...page.rows];
      this.more = page.more;
      this.error = null;
    } catch (error) {
      if (turn === this.asked) this.error = reason(error);
    } finally {
      if (turn === this.asked) this.loading = false;
    }
  }
}
