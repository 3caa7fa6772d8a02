// What a conversation needs only once somebody does something: fetched right behind the first messages.

import "../ui/further_icons";

export { matching, completed, wanted } from "./completion";
export { default as Completions } from "./Completions.svelte";
export { default as Toolbar } from "./Toolbar.svelte";
export { Touch } from "./touch";
