// What a person has chosen about this page, in this browser. (The language is in `text/text.svelte.ts`.)

import { keep, keptJson, whenChanged } from "./storage";

export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";
export type Notices = "off" | "mentions" | "all"; // "mentions": and what is private

interface Chosen {
  theme: Theme;
  density: Density;
  notifications: Notices;
  sounds: boolean;
}

const key = "settings";
const standard: Chosen = { theme: "system", density: "comfortable", notifications: "mentions", sounds: false };

class Settings {
  private chosen = $state.raw<Readonly<Chosen>>(read());

  constructor() {
    this.apply();
    whenChanged((changed) => {
      if (changed !== key) return;
      this.chosen = read();
      this.apply();
    });
  }

  get theme(): Theme {
    return this.chosen.theme;
  }

  set theme(theme: Theme) {
    this.choose({ theme });
  }

  get density(): Density {
    return this.chosen.density;
  }

  set density(density: Density) {
    this.choose({ density });
  }

  get notifications(): Notices {
    return this.chosen.notifications;
  }

  set notifications(notifications: Notices) {
    this.choose({ notifications });
  }

  get sounds(): boolean {
    return this.chosen.sounds;
  }

  set sounds(sounds: boolean) {
    this.choose({ sounds });
  }

  private choose(change: Partial<Chosen>): void {
    this.chosen = { ...this.chosen, ...change };
    keep(key, JSON.stringify(this.chosen));
    this.apply();
  }

  private apply(): void {
    const { dataset } = document.documentElement;
    dataset["theme"] = this.theme;
    dataset["density"] = this.density;
  }
}

function read(): Chosen {
  const kept = (keptJson(key) ?? {}) as Partial<Record<keyof Chosen, unknown>>;
  const one = <T extends string>(value: unknown, of: readonly T[], otherwise: T): T =>
    of.find((it) => it === value) ?? otherwise;
  return {
    theme: one(kept.theme, ["system", "light", "dark"], standard.theme),
    density: one(kept.density, ["comfortable", "compact"], standard.density),
    notifications: one(kept.notifications, ["off", "mentions", "all"], standard.notifications),
    sounds: kept.sounds === true,
  };
}

export const settings = new Settings();
