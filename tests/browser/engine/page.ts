// The engine without the page: what the tests talk to.

import { chat } from "../../../web/src/state/chat.svelte";

Object.assign(window, { chat });
void chat.start();
