// Who is writing in a room: told now and then while they write, and forgotten when nothing more comes.

const SAID_EVERY = 3000; // milliseconds: so often the server is told at most
export const EXPIRES = 6000;
const MOST = 20; // names that are remembered; nobody reads more

export class Typing {
  private readonly until = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private said = 0;

  /** `show` is given the names whenever they change. */
  constructor(private readonly show: (names: readonly string[]) => void) {}

  heard(name: string): void {
    const known = this.until.delete(name);
    if (!known && this.until.size >= MOST) return;
    this.until.set(name, Date.now() + EXPIRES);
    if (!known) this.show([...this.until.keys()]);
    this.timer ??= setTimeout(() => this.expire(), EXPIRES);
  }

  /** They said it, or left. */
  done(name: string): void {
    if (this.until.size > 0 && this.until.delete(name)) this.show([...this.until.keys()]);
  }

  clear(): void {
    if (this.until.size === 0) return;
    this.until.clear();
    this.show([]);
  }

  /** Whether it is time to say that one writes oneself. */
  due(): boolean {
    const now = Date.now();
    if (Math.abs(now - this.said) < SAID_EVERY) return false;
    this.said = now;
    return true;
  }

  /** It was said: whoever writes the next message is told of anew. */
  rest(): void {
    this.said = 0;
  }

  private expire(): void {
    const now = Date.now();
    this.timer = undefined;
    for (const [name, until] of this.until) if (until <= now || until > now + EXPIRES) this.until.delete(name);
    this.show([...this.until.keys()]);
    const next = Math.min(...this.until.values());
    if (this.until.size > 0) this.timer = setTimeout(() => this.expire(), Math.max(50, next - now));
  }
}
