// The report: one page, one model, nothing fetched.

import { effect, signal } from "../core/signals";
import { Card } from "./card";
import { Fits, start } from "./fits";
import { List, follow, measure } from "./list";
import { Tip } from "./number";
import { Answer, Bars, orderButton, textVersion } from "./sections";
import { address, begin, jump, model, readAddress, seen, settled, sums, tip, whole } from "./state";
import { Traced } from "./traced";
import { type Child, Fragment, draw, make } from "../view";

const drawn = signal(2); // sections
const text = signal(false), theme = signal<"auto" | "light" | "dark">("auto");

const KINDS = [["n chosen", "chosen"], ["n typed", "typed, must equal"], ["n calculated", "calculated"], ["n input", "from the input or the task"], ["learned", "learned"]];

function Layers() {
  return (
    <>
      <p class="hint">Size comes from a formula. The number of maps is a choice. Point at a number to see who decides it.</p>
      <ul class="tools legend" aria-label="Who decides a number">{KINDS.map(([look, words]) => <li><span class={look}>5</span> {words}</li>)}</ul>
      {text.value ? <pre tabIndex={0} aria-label="All layers as text">{textVersion()}</pre> : <div class="panes"><List /><Card /></div>}
    </>
  );
}

const SECTIONS: [id: string, title: string, show: () => Child][] = [
  ["answer", "In one line", Answer],
  ["layers", "Layers", Layers],
  ["trace", "Where does this cell look?", Traced],
  ["fits", "What sizes fit?", Fits],
  ["bars", "Where are the numbers?", Bars],
];
const BELOW = [["words", "Words"], ["checks", "How this was checked"]] as const; // sections that Python wrote under the page

function Page() {
  return (
    <>
      <header>
        <h1>{model.title}</h1>
        <nav aria-label="Sections">{[...SECTIONS, ...BELOW].map(([id, title]) => <a href={`#${id}`} onClick={(e) => { e.preventDefault(); jump(id, "start"); }}>{title}</a>)}</nav>
        <p class="tools">
          <button onClick={() => (theme.value = theme.value === "dark" ? "light" : "dark")}>Light or dark</button>
          {orderButton()}
          <button aria-pressed={text.value} onClick={() => (text.value = !text.value)}>Text version</button>
        </p>
      </header>
      <main>
        {SECTIONS.slice(0, drawn.value).map(([id, title, show]) => (
          <section id={id} aria-labelledby={`${id}-h`} live={() => [<h2 id={`${id}-h`}>{title}</h2>, show()]} />
        ))}
      </main>
      <div live={Tip} />
      <svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
        <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v5" stroke-width="2" /></pattern>
        <pattern id="cross" width="11" height="11" patternUnits="userSpaceOnUse"><path d="M2 2l7 7m0-7l-7 7" /></pattern>
      </defs></svg>
    </>
  );
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.value = null;
  if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    document.getElementById("find")?.focus();
  }
});

const root = document.getElementById("app")!;
begin(JSON.parse(document.getElementById("data")!.textContent!));
root.textContent = "";
follow();
effect(() => draw(root, <Page />));
let known = address();
effect(() => { // a browser refuses an address that changes with every step of a slider
  const link = settled.value?.link ?? known;
  if (link !== known && location.protocol !== "about:") history.replaceState(null, "", known = link);
});
effect(() => {
  if (theme.value !== "auto") document.documentElement.dataset.theme = theme.value;
});
addEventListener("hashchange", readAddress);
addEventListener("beforeprint", () => (text.value = true));
addEventListener("afterprint", () => (text.value = false));
document.documentElement.dataset.ready = String(Math.round(performance.now()));

/** What is not in the first view, a slice at a time, so that the page answers in between: each pass over the whole model is one. */
const LATER: (() => void)[] = [
  measure, () => sums.value, () => seen.value, () => (whole.value = true),
  ...SECTIONS.slice(drawn.value).map(() => () => drawn.value++),
  start, () => jump(location.hash.slice(1), "start"),
];
function later(): void {
  LATER.shift()?.();
  if (LATER.length) setTimeout(later);
}
requestAnimationFrame(() => setTimeout(later)); // once the first rows are painted
