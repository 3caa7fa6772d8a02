// Which ways into the server are open, asked before anybody is signed in.

/** The answer of GET /api/v1/entrance. */
export interface Entrance {
  readonly name: string;
  readonly guests: boolean;
  readonly register: boolean;
  readonly passwords: boolean; // false: they are not taken on this line, which others could read
  readonly min_password: number;
  readonly max_username: number;
  readonly demo: { readonly username: string; readonly password: string } | null;
}

/** As if all ways were open: the server will say no. */
export const unknownEntrance: Entrance = {
  name: "Hubbub",
  guests: true,
  register: true,
  passwords: true,
  min_password: 8,
  max_username: 32,
  demo: null,
};

/** Ask for it. Rejects where the server cannot be reached. */
export async function askEntrance(): Promise<Entrance> {
  const response = await fetch("/api/v1/entrance", { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(String(response.status));
  return { ...unknownEntrance, ...((await response.json()) as Partial<Entrance>) };
}
