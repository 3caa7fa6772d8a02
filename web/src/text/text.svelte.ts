// What people read, in their language. Each part of the page has a table, `en/PART.ts` and `zh/PART.ts`:
// English comes with the part, Chinese is loaded where it is wanted.

export type Language = "en" | "zh";
export type Values = Readonly<Record<string, string | number>>;
type Load = () => Promise<{ default: Readonly<Record<string, string>> }>;

const kept = "hubbub.language";
const loaders = new Map<object, Load>();

/** The Chinese tables that are there, by the English ones. */
let chinese = $state.raw<ReadonlyMap<object, Readonly<Record<string, string>>>>(new Map());
let language = $state<Language>(wanted());
show();

/** The language that is shown. */
export function currentLanguage(): Language {
  return language;
}

/** Show another language, and remember that it was chosen. */
export async function setLanguage(next: Language): Promise<void> {
  language = next;
  try {
    localStorage.setItem(kept, next);
  } catch {
    // no storage: it holds until the page is closed
  }
  await show();
}

/** The table of a part as a function: `t("key", {n: 3})`. "one thing|{n} things" is chosen by `n`. */
export function texts<const T extends Readonly<Record<string, string>>>(
  english: T,
  load: () => Promise<{ default: Readonly<Record<keyof T, string>> }>,
): (key: keyof T & string, values?: Values) => string {
  loaders.set(english, load as Load);
  if (language === "zh") void show();
  return (key, values) => {
    const table = language === "zh" ? (chinese.get(english) ?? english) : english;
    return fill(table[key] ?? key, values);
  };
}

async function show(): Promise<void> {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  if (language !== "zh") return;
  const missing = [...loaders].filter(([part]) => !chinese.has(part));
  const loaded = await Promise.all(missing.map(async ([part, load]) => [part, (await load()).default] as const));
  if (loaded.length > 0) chinese = new Map([...chinese, ...loaded]);
}

function wanted(): Language {
  try {
    const chosen = localStorage.getItem(kept);
    if (chosen === "en" || chosen === "zh") return chosen;
  } catch {
    // as if nothing was chosen
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function fill(text: string, values: Values | undefined): string {
  if (values === undefined) return text;
  const forms = text.split("|");
  const form = forms.length === 2 && values["n"] !== 1 ? forms[1] : forms[0];
  return (form ?? text).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
