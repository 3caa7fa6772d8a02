// Who is there is known while there is a line; what was heard before may be otherwise by now.

import type { Status } from "../state/contract";

let unknown = $state(false);

export const presence = {
  set unknown(on: boolean) {
    unknown = on;
  },
  of(status: Status): Status | "unknown" {
    return unknown ? "unknown" : status;
  },
};
