// What stands in a request for something that is known only when it is sent.
//
// They are replaced in the text as it stands, so a request that is no JSON may have them too.

export interface Known {
  readonly token: string | null; // of the last login
  readonly connection: string | null; // this connection's own id
}

const pattern = /\{\{(id|token|connection)\}\}/g;

/** The text as it goes out. `{{id}}` is the same wherever it stands in one request. */
export function filled(text: string, known: Known, newId: () => string): string {
  let id: string | null = null;
  return text.replace(pattern, (_, name: string) => {
    if (name === "id") return (id ??= newId());
    return (name === "token" ? known.token : known.connection) ?? "";
  });
}
