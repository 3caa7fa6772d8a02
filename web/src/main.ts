import "./ui/tokens.css";
import "./ui/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { registerWorker } from "./pwa";

const target = document.getElementById("app");
if (target === null) throw new Error("the page has no #app");
mount(App, { target });
void registerWorker();
