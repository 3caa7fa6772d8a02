// What a conversation needs only once somebody does something: fetched with the first sign of that.

import "../ui/further_icons";
import "../ui/MenuRows.svelte";

export { completed, isSaid, matching, wanted } from "./completion";
export { default as Completions } from "./Completions.svelte";
export { default as Toolbar } from "./Toolbar.svelte";
export { default as TopicField } from "./TopicField.svelte";
