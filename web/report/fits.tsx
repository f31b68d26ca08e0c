// Which sizes fit: every height and width asked in the page, through the trees, with the knobs as they stand.

import { floor, max, min, upTo } from "../core/trees";
import { effect, signal } from "../core/signals";
import { evaluate } from "../core/model";
import { runs } from "../core/text";
import { Whole } from "./controls";
import { changes, model, setInput, sizes, under } from "./state";
import { Fragment, make } from "../view";

const MOST = 96, WORK = 1_500_000; // sizes along one axis; calls asked in all

type Answer = "fits" | "no" | "unknown";
const SAID: Record<Answer, string> = { fits: "fits", no: "does not fit", unknown: "another road, read the model again" };
const at = signal(""); // what the pointer stands on
const grid = signal<{ rows: Answer[][]; done: boolean; square: boolean; low: number }>({ rows: [], done: false, square: false, low: 1 });

const image = (): [tensor: number, shape: number[]] | undefined => {
  const [first] = model.inputs;
  return first && !model.problem && model.inputs.length === 1 && sizes.value[first[0]]!.length === 4 ? [first[0], sizes.value[first[0]]!] : undefined;
};

function ask(tensor: number, shape: number[], h: number, w: number): Answer {
  const { stop } = evaluate(model, { ...changes.value, inputs: { [tensor]: [...shape.slice(0, -2), h, w] } });
  return stop ? (stop.known ? "no" : "unknown") : "fits";
}

/** Asks row by row, a slice of time each, and begins again whenever something changes. */
export function start(): void {
  let run = 0;
  effect(() => {
    const mine = ++run, found = image();
    if (!found) return;
    const [tensor, shape] = found, square = model.nodes.length * MOST * MOST > WORK, rows: Answer[][] = [];
    const size = shape.at(-1)!, most = square ? min(512, Math.ceil(WORK / model.nodes.length)) : MOST, low = square ? max(1, size - (most >> 1)) : 1;
    grid.value = { rows, done: false, square, low };
    let h = 0;
    const slice = () => {
      if (mine !== run) return;
      for (const until = performance.now() + 12; h < most && performance.now() < until; h++) {
        rows.push(square ? [ask(tensor, shape, low + h, low + h)] : upTo(MOST, (w) => ask(tensor, shape, h + 1, w + 1)));
      }
      grid.value = { rows: rows.slice(), done: h >= most, square, low };
      if (h < most) setTimeout(slice, 8);
    };
    setTimeout(slice, 60);
  });
}

/** Equal neighbours of the map as rectangles in words: `20 to 23 x 44 to 47`. */
function blocks(rows: Answer[][]): string[] {
  const known = new Map<string, [number, number]>(), found: string[] = [];
  const close = (key: string, [from, to]: [number, number]) => found.push(`${from === to ? from : `${from} to ${to}`} x ${key}`);
  [...rows, []].forEach((row, i) => {
    const here = new Set<string>();
    for (let w = 0; w < row.length; w++) {
      if (row[w] !== "fits") continue;
      const begin = w;
      while (row[w + 1] === "fits") w++;
      here.add(begin === w ? `${w + 1}` : `${begin + 1} to ${w + 1}`);
    }
    for (const [key, span] of known) if (!here.has(key)) { close(key, span); known.delete(key); }
    for (const key of here) known.set(key, [known.get(key)?.[0] ?? i + 1, i + 1]);
  });
  return found;
}

export function Fits() {
  const found = image(), { rows, done, square, low } = grid.value;
  if (!found) return <p>{model.fits}</p>;
  const [tensor, shape] = found, list = rows.flatMap((row, i) => (row[square ? 0 : i] === "fits" ? [low + i] : []));
  const count = rows.reduce((sum, row) => sum + row.filter((answer) => answer === "fits").length, 0), parts = square ? [] : blocks(rows);
  const fill = (answer: Answer) => rows.map((row, h) => row.map((a, w) => (a === answer ? `M${w} ${h}h1v1h-1z` : "")).join("")).join("");
  return (
    <>
      {model.fits && <p class="answer">{model.fits}</p>}
      <p role="status">
        {!done && "Asking ... "}Square images that fit, from {low} to {low + rows.length - 1}: <b>{list.length ? runs(list, 12) : "none"}</b>.
        {!square && done && <> Of all {rows.length} x {rows.length} pairs of height and width, <b>{count}</b> fit{parts.length > 0 && parts.length <= 12 && <>: {parts.join("; ")}</>}.</>}
        {Object.keys(changes.value.knobs).length > 0 && " With your changes."}
      </p>
      {!square && (
        <figure class="fits">
          <svg viewBox={`-6 -6 ${MOST + 8} ${MOST + 8}`} role="img" aria-label={`Map of heights and widths from 1 to ${MOST}: ${done ? `${count} of ${MOST * MOST} fit` : "still asking"}`}
            onPointerMove={(e) => {
              const [h, w] = under(e).map((share) => floor(share * (MOST + 8) - 6)) as [number, number], answer = rows[h]?.[w];
              at.value = answer ? `height ${h + 1}, width ${w + 1}: ${SAID[answer]}` : "";
            }}>
            <rect class="field" width={MOST} height={MOST} />
            <path class="fit" d={fill("fits")} /><path class="unknown" d={fill("unknown")} />
            <path class="diagonal" d={`M0 0L${MOST} ${MOST}`} />
            {[1, 32, 64, 96].map((n) => <><text x={n - 0.5} y={-1.5} text-anchor="middle">{n}</text><text x={-1} y={n + 0.5} text-anchor="end">{n}</text></>)}
            <rect class="now" x={shape[3]! - 1} y={shape[2]! - 1} width={1} height={1} />
          </svg>
          <figcaption>height down, width across; the line marks squares. <span live={() => at.value} /></figcaption>
        </figure>
      )}
      <form class="tools" onSubmit={(e) => e.preventDefault()}>
        {["height", "width"].map((word, i) => (
          <label>{word} of the input <Whole label={`${word} of the input`} least={1} now={shape[i + 2]!} set={(n) => setInput(tensor, shape.with(i + 2, n))} /></label>
        ))}
        {changes.value.inputs[tensor] && <button onClick={() => (changes.value = { ...changes.value, inputs: {} })}>Back to the input that was read</button>}
      </form>
    </>
  );
}
