// Who is here: the list at the login, and what is told of comings and goings since.

import type { UserView } from "../wire/types";
import type { Person, Status } from "./contract";

const byName = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

export class People {
  private readonly known = new Map<number, Person>();
  private names = new Map<string, number>(); // in lower case: a name is one person's, however it is spelt
  private version = $state(0);
  private changed = false;

  readonly all: readonly Person[] = $derived.by(() => {
    void this.version;
    return [...this.known.values()].sort((a, b) => byName.compare(a.name, b.name));
  });

  list(users: readonly UserView[]): void {
    this.known.clear();
    this.names.clear();
    for (const user of users) this.put(user.user_id, user.username, user.status);
    this.changed = true;
  }

  came(id: number, name: string): void {
    if (!this.known.has(id)) this.put(id, name, "online");
  }

  left(id: number): void {
    const person = this.known.get(id);
    if (person === undefined) return;
    this.known.delete(id);
    this.unname(person);
    this.changed = true;
  }

  status(id: number, name: string, status: Status): void {
    if (status === "offline") this.left(id);
    else this.put(id, name, status);
  }

  withId(id: number): Person | null {
    void this.version;
    return this.known.get(id) ?? null;
  }

  named(name: string): Person | null {
    void this.version;
    return this.known.get(this.names.get(name.toLowerCase()) ?? 0) ?? null;
  }

  clear(): void {
    this.list([]);
  }

  /** Show what has changed: once a frame. */
  show(): void {
    if (!this.changed) return;
    this.changed = false;
    this.version += 1;
  }

  private put(id: number, name: string, status: Status): void {
    const before = this.known.get(id);
    if (before?.name === name && before.status === status) return;
    if (before !== undefined) this.unname(before);
    this.known.set(id, { id, name, status });
    this.names.set(name.toLowerCase(), id);
    this.changed = true;
  }

  private unname({ id, name }: Person): void {
    if (this.names.get(name.toLowerCase()) === id) this.names.delete(name.toLowerCase());
  }
}
