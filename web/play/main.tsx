// The page of `whyshape play`: four panels from left to right, as the data flows, and a tour through them.

import { effect } from "../core/signals";
import { Fragment, draw, make } from "../view";
import { Change } from "./change";
import { type Sent, receive, sent } from "./data";
import { Draw, begin } from "./draw";
import { Maps, watch } from "./maps";
import { One } from "./one";
import { dark } from "./paint";
import { explained, gap, pixels, scores, torch, values } from "./state";
import { Tour } from "./tour";

function Page() {
  return (
    <>
      <header>
        <h1>{sent.title}</h1>
        <button aria-pressed={dark.value} onClick={() => (dark.value = !dark.value)}>Dark</button>
      </header>
      <div live={Tour} />
      <main>
        <section id="draw" aria-labelledby="draw-h" live={Draw} />
        <section id="maps" aria-labelledby="maps-h" live={Maps} />
        <div class="pair">
          <section id="one" aria-labelledby="one-h" live={One} />
          <section id="change" aria-labelledby="change-h" live={Change} />
        </div>
      </main>
      <footer><h2>About these numbers</h2><ul>{sent.about.map((line) => <li>{line}</li>)}</ul></footer>
    </>
  );
}

receive(JSON.parse(document.getElementById("data")!.textContent!) as Sent);
effect(() => draw(document.getElementById("page")!, <Page />));
begin();
watch();
if (sent.server) torch.begin();
if (!sent.runs) explained.begin();

// What the page computed, for tests and for the curious: play.values() in the browser's console.
Object.assign(globalThis, { play: { pixels: () => pixels.value, values: () => values.value, scores: () => scores.value, gap: () => gap.value } });
