// The report: one page, one model, nothing fetched.

import { effect, signal } from "../core/signals";
import { Card } from "./card";
import { Fits, start } from "./fits";
import { List, follow } from "./list";
import { Tip } from "./number";
import { Answer, Bars, Checks, Words, orderButton, textVersion } from "./sections";
import { address, begin, cell, changes, chosen, model, readAddress, tip, whole } from "./state";
import { Traced } from "./traced";
import { type Child, Fragment, draw, make } from "../view";

const drawn = signal(2); // sections
const text = signal(false), theme = signal<"auto" | "light" | "dark">("auto");

function Layers() {
  return (
    <>
      <p class="hint">Size comes from a formula. The number of maps is a choice. Point at a number to see who decides it.</p>
      <ul class="tools legend" aria-label="Who decides a number"><li><span class="n chosen">5</span> chosen</li><li><span class="n typed">5</span> typed, must equal</li><li><span class="n calculated">5</span> calculated</li><li><span class="n input">5</span> from the input</li><li><span class="learned">5</span> learned</li></ul>
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
  ["words", "Words", Words],
  ["checks", "How this was checked", Checks],
];

function Page() {
  return (
    <>
      <header>
        <h1>{model.title}</h1>
        <nav aria-label="Sections">{SECTIONS.map(([id, title]) => <a href={`#${id}`} onClick={(e) => { e.preventDefault(); document.getElementById(id)?.scrollIntoView(); }}>{title}</a>)}</nav>
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
/** What is below the first view, a slice at a time, so that the page answers in between. */
function rest(): void {
  if (!whole.value) follow();
  whole.value = true;
  drawn.value++;
  if (SECTIONS[drawn.value]) setTimeout(rest);
  else start();
}

begin(JSON.parse(document.getElementById("data")!.textContent!));
root.textContent = "";
effect(() => draw(root, <Page />));
let first = true;
effect(() => {
  void [chosen.value, cell.value, changes.value];
  if (!first && location.protocol !== "about:") history.replaceState(null, "", address());
  first = false;
});
effect(() => {
  if (theme.value !== "auto") document.documentElement.dataset.theme = theme.value;
});
addEventListener("hashchange", readAddress);
addEventListener("beforeprint", () => (text.value = true));
document.documentElement.dataset.ready = String(Math.round(performance.now()));
requestAnimationFrame(() => setTimeout(rest)); // once the first rows are painted
