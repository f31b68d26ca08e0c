// The report: one page, one model, nothing fetched. What never changes stands in the file; the code fills in the rest.

import { effect, signal } from "../core/signals";
import { Card } from "./card";
import { Fits, start } from "./fits";
import { List, follow, measure } from "./list";
import { Tip } from "./number";
import { Answer, Bars, textVersion } from "./sections";
import { address, begin, element, jump, kerasOrder, readAddress, seen, settled, sums, tip, whole } from "./state";
import { Traced } from "./traced";
import { type Child, Fragment, draw, make } from "../view";

const text = signal(false), page = document.documentElement.dataset;

function Layers() {
  return text.value ? <pre tabIndex={0} aria-label="All layers as text">{textVersion()}</pre> : <div class="panes"><List /><Card /></div>;
}

function Tools() {
  return (
    <>
      <button onClick={() => (page.theme = page.theme === "dark" ? "light" : "dark")}>Light or dark</button>
      <button aria-pressed={kerasOrder.value} onClick={() => (kerasOrder.value = !kerasOrder.value)}>{kerasOrder.value ? "Keras order (maps last)" : "PyTorch order (maps first)"}</button>
      <button aria-pressed={text.value} onClick={() => (text.value = !text.value)}>Text version</button>
    </>
  );
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.value = null;
  if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    element("find")?.focus();
  }
});

const find = <E extends Element>(place: string): E => document.querySelector(place)!;
const fill = (place: string, show: () => Child): void => void effect(() => draw(find(place), show()));

begin(JSON.parse(find("#data").textContent!));
find("#app").replaceChildren(find<HTMLTemplateElement>("#shell").content);
find<HTMLElement>("nav").onclick = (event) => { // the address is the view, not the section
  event.preventDefault();
  jump((event.target as HTMLAnchorElement).hash?.slice(1), "start");
};
follow();
fill("header .tools", Tools);
fill("#answer div", Answer);
fill("#layers div", Layers);
fill("#tip", Tip);
let known = address();
effect(() => { // a browser refuses an address that changes with every step of a slider
  const link = settled.value?.link ?? known;
  if (link !== known && location.protocol !== "about:") history.replaceState(null, "", known = link);
});
addEventListener("hashchange", readAddress);
addEventListener("beforeprint", () => (text.value = true));
addEventListener("afterprint", () => (text.value = false));
page.ready = String(Math.round(performance.now()));

/** What is not in the first view, a slice at a time, so that the page answers in between: each pass over the whole model is one. */
const LATER: (() => void)[] = [
  measure, () => sums.value, () => seen.value, () => (whole.value = true),
  () => fill("#trace div", Traced), () => fill("#fits div", Fits), () => fill("#bars div", Bars),
  start, () => jump(location.hash.slice(1), "start"),
];
function later(): void {
  LATER.shift()?.();
  if (LATER.length) setTimeout(later);
}
requestAnimationFrame(() => setTimeout(later)); // once the first rows are painted
