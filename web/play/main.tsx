// The page of `whyshape play`: four panels from left to right, as the data flows, and a tour through them.

import { render } from "preact";
import { Change } from "./change";
import { type Sent, receive, sent } from "./data";
import { Draw } from "./draw";
import { Maps } from "./maps";
import { One } from "./one";
import { dark } from "./paint";
import { askTorch, askWhy, gap, pixels, scores, torch, values } from "./state";
import { Tour } from "./tour";

function Page() {
  return (
    <>
      <header>
        <h1>{sent.title}</h1>
        <button type="button" aria-pressed={dark.value} onClick={() => (dark.value = !dark.value)}>Dark</button>
      </header>
      <Tour />
      <main><Draw /><Maps /><div class="pair"><One /><Change /></div></main>
      <footer><h2>About these numbers</h2><ul>{sent.about.map((line) => <li key={line}>{line}</li>)}</ul></footer>
    </>
  );
}

receive(JSON.parse(document.getElementById("data")!.textContent!) as Sent);
render(<Page />, document.getElementById("page")!);
if (sent.server) askTorch();
if (!sent.runs) askWhy();

// What the page computed, for tests and for the curious: play.values() in the browser's console.
Object.assign(globalThis, { play: { pixels: () => pixels.value, values: () => values.value, scores: () => scores.value, torch: () => torch.value, gap: () => gap.value } });
