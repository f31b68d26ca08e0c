// The window walking over this layer's own grid: what each output cell reads, and which outputs read a cell.

import { floor, max, min } from "../core/trees";
import { effect, signal } from "../core/signals";
import { type Window } from "../core/model";
import { cellsRead, readersOf, throughAdaptive } from "../core/reach";
import { ranges } from "../core/text";
import { cell, chosen, lit, model, numbersOf, sizes } from "./state";
import { Fragment, make } from "../view";

const CELL = 11, MOST = 34; // px, cells shown along one axis
const playing = signal(false), pace = signal(3), pointed = signal<[number, number] | null>(null);

interface Look { n: number; o: number; pad: [number, number]; reads: (out: number) => number[]; readers: (at: number) => number[]; window?: Window }

/** How the call looks along its last axes; null where it has no window. */
function looks(node: number): [Look, Look] | null {
  const [index, reads, makes] = model.nodes[node]!, reach = model.rules[index]!.reach;
  const from = sizes.value[reads[0]!]!, to = sizes.value[makes[0]!]!;
  if (typeof reach !== "object" || !reach["-1"] || from.length < 3) return null;
  const at = numbersOf(node);
  const look = (axis: number): Look => {
    const n = from.at(axis)!, o = to.at(axis)!, found = reach[axis];
    if (found === undefined) return { n: 1, o: 1, pad: [0, 0], reads: () => [0], readers: () => [0] };
    if (found === "adaptive") {
      const reads = (out: number) => { const [a, b] = throughAdaptive([out, out], n, o); return Array.from({ length: b - a + 1 }, (_, i) => a + i); };
      return { n, o, pad: [0, 0], reads, readers: (c) => Array.from({ length: o }, (_, i) => i).filter((i) => reads(i).includes(c)) };
    }
    const window = found.map((tree) => at.value(tree)) as Window, last = max(n - 1, ...cellsRead(o - 1, window));
    const pad: [number, number] = window[1] > 0 ? [window[2], max(window[4], last - n + 1)] : [0, 0];
    return { n, o, pad, window, reads: (out) => cellsRead(out, window), readers: (c) => readersOf(c, o, window) };
  };
  return [look(-2), look(-1)];
}

let forward = () => {}; // one step of the window that is shown
effect(() => {
  if (!playing.value) return;
  const id = setInterval(() => forward(), 1000 / pace.value);
  return () => clearInterval(id);
});
effect(() => {
  void chosen.value;
  playing.value = false;
});

export function Walk({ node }: { node: number }) {
  return <div live={() => <Window_ node={node} />} />;
}

function Window_({ node }: { node: number }) {
  const pair = looks(node), [rows, columns] = pair ?? [];
  const total = pair ? rows!.o * columns!.o : 0;
  if (!pair || !total) return null;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [r, c] = [min(cell.value[0], rows!.o - 1), min(cell.value[1], columns!.o - 1)];
  const readRows = rows!.reads(r), readColumns = columns!.reads(c);
  const go = (step: number) => { const next = (r * columns!.o + c + step + total) % total; cell.value = [floor(next / columns!.o), next % columns!.o]; };
  forward = () => go(1);
  const mine = pointed.value;
  const readers = mine ? { rows: rows!.readers(mine[0]), columns: columns!.readers(mine[1]) } : null;
  // A kernel reads all maps of its group; a window without kernels stays on its own map.
  const { in_channels, groups = 1 } = numbersOf(node).knobs, maps = in_channels === undefined ? 1 : columns!.window![1] > 0 ? in_channels : in_channels / groups;
  return (
    <figure class="walk">
      <figcaption>The window at work</figcaption>
      <div class="two">
        <Grid title="input" rows={rows!} columns={columns!} input marked={{ rows: readRows, columns: readColumns }} onPoint={(at) => (pointed.value = at)} />
        <Grid title="output" rows={rows!} columns={columns!} marked={readers ?? { rows: [r], columns: [c] }} onPoint={(at) => at && (cell.value = at)} />
      </div>
      <p class="tools">
        {!calm && <button aria-pressed={playing.value} onClick={() => (playing.value = !playing.value)}>{playing.value ? "Pause" : "Play"}</button>}
        <button onClick={() => go(-1)}>Step back</button>
        <button onClick={() => go(1)}>Step</button>
        {rows!.o > 1 && <label>row <input type="range" aria-label="Output row" min={0} max={rows!.o - 1} value={r} onInput={(e) => (cell.value = [+e.currentTarget.value, c])} /></label>}
        <label>column <input type="range" aria-label="Output column" min={0} max={columns!.o - 1} value={c} onInput={(e) => (cell.value = [r, +e.currentTarget.value])} /></label>
        {!calm && <label>speed <input type="range" aria-label="Speed" min={1} max={10} value={pace.value} onInput={(e) => (pace.value = +e.currentTarget.value)} /></label>}
      </p>
      <p class="status" role="status">
        {readers && mine
          ? `Input row ${mine[0]}, column ${mine[1]} is read by ${readers.rows.length * readers.columns.length} of ${total} output cells.`
          : `Output row ${r}, column ${c} reads ${told(readRows, rows!.n, "row")}, ${told(readColumns, columns!.n, "column")}${maps ? `, on ${maps} ${maps === 1 ? "map" : "maps"}` : ""}.`}
      </p>
    </figure>
  );
}

function told(cells: number[], n: number, word: string): string {
  const inside = cells.filter((i) => i >= 0 && i < n), outside = cells.length - inside.length;
  return `${inside.length ? ranges(inside, word) : `no ${word}`}${outside ? ` and ${outside} of padding` : ""}`;
}

interface GridProps { title: string; rows: Look; columns: Look; input?: boolean; marked: { rows: number[]; columns: number[] }; onPoint: (at: [number, number] | null) => void }

/** One grid; where it is larger than the picture the part around the marked cells is shown. */
function Grid({ title, rows, columns, input, marked, onPoint }: GridProps) {
  const frame = (look: Look, cells: number[]): [number, number] => {
    const [low, high] = input ? [-look.pad[0], look.n + look.pad[1]] : [0, look.o];
    const start = high - low <= MOST ? low : max(low, min(high - MOST, min(...cells) - floor(MOST / 3)));
    return [start, min(high, start + MOST)];
  };
  const [r0, r1] = frame(rows, marked.rows), [c0, c1] = frame(columns, marked.columns), [h, w] = input ? [rows.n, columns.n] : [rows.o, columns.o];
  const box = (row: number, column: number, name: string) =>
    row >= r0 && row < r1 && column >= c0 && column < c1 && <rect class={name} x={(column - c0) * CELL} y={(row - r0) * CELL} width={CELL} height={CELL} />;
  const lines = `${Array.from({ length: r1 - r0 + 1 }, (_, i) => `M0 ${i * CELL}h${(c1 - c0) * CELL}`).join("")}${Array.from({ length: c1 - c0 + 1 }, (_, i) => `M${i * CELL} 0v${(r1 - r0) * CELL}`).join("")}`;
  const inner = { x: (max(0, c0) - c0) * CELL, y: (max(0, r0) - r0) * CELL, width: (min(w, c1) - max(0, c0)) * CELL, height: (min(h, r1) - max(0, r0)) * CELL };
  const point = (event: PointerEvent): [number, number] | null => {
    const area = (event.currentTarget as Element).getBoundingClientRect();
    const at: [number, number] = [r0 + floor((event.clientY - area.top) / area.height * (r1 - r0)), c0 + floor((event.clientX - area.left) / area.width * (c1 - c0))];
    return at[0] >= 0 && at[0] < h && at[1] >= 0 && at[1] < w ? at : null;
  };
  const cut = input ? r1 - r0 < h + rows.pad[0] + rows.pad[1] || c1 - c0 < w + columns.pad[0] + columns.pad[1] : r1 - r0 < h || c1 - c0 < w;
  return (
    <div>
      <span>{title}: {h} x {w} places{cut && `, shown from row ${max(0, r0)}, column ${max(0, c0)}`}</span>
      <svg role="img" aria-label={`${title} grid of ${h} by ${w} places`} class={lit.value ? `lit-${lit.value}` : ""} viewBox={`0 0 ${(c1 - c0) * CELL} ${(r1 - r0) * CELL}`} style={{ maxWidth: `${(c1 - c0) * CELL}px` }}
        onPointerMove={(e) => onPoint(point(e))} onPointerLeave={() => onPoint(null)}>
        {input && <rect class="pad" width="100%" height="100%" />}
        <rect class={input ? "in" : "out"} {...inner} />
        {input && <Unread rows={rows} columns={columns} frame={[r0, r1, c0, c1]} />}
        <path class="lines" d={lines} />
        {marked.rows.flatMap((row) => marked.columns.map((column) => box(row, column, input ? "kernel" : "at")))}
        {input && lit.value === "stride" && columns.window && marked.columns.map((column) => box(marked.rows[0]!, column + columns.window![1], "next"))}
      </svg>
    </div>
  );
}

/** Rows and columns that no window ever reads: the floor made visible. */
function Unread({ rows, columns, frame: [r0, r1, c0, c1] }: { rows: Look; columns: Look; frame: [number, number, number, number] }) {
  const never = (look: Look, from: number, to: number) => Array.from({ length: max(0, min(look.n, to) - max(0, from)) }, (_, i) => i + max(0, from)).filter((i) => !look.readers(i).length);
  return (
    <>
      {never(rows, r0, r1).map((row) => <rect class="unread" x={0} y={(row - r0) * CELL} width={(c1 - c0) * CELL} height={CELL}><title>row {row} is never read</title></rect>)}
      {never(columns, c0, c1).map((column) => <rect class="unread" x={(column - c0) * CELL} y={0} width={CELL} height={(r1 - r0) * CELL}><title>column {column} is never read</title></rect>)}
    </>
  );
}
