// The window walking over this layer's own grid: what each output cell reads, and which outputs read a cell.

import { clamp, floor, max, min, upTo } from "../core/trees";
import { effect, signal } from "../core/signals";
import { type Window } from "../core/model";
import { cellsRead, reachOf, readersOf, throughAdaptive } from "../core/reach";
import { count, ranges } from "../core/text";
import { Whole } from "./controls";
import { cell, changes, chosen, jump, lit, model, numbersOf, ruleOf, sizes, under } from "./state";
import { make } from "../view";

const CELL = 11, MOST = 34; // px, cells shown along one axis
const playing = signal(false), pace = signal(3), pointed = signal<[number, number] | null>(null);

interface Look { n: number; o: number; pad: [number, number]; reads: (out: number) => number[]; readers: (at: number) => number[]; window?: Window }

/** How the call looks along its last axes; null where it has no window. */
function looks(node: number): [Look, Look] | null {
  const [, reads, makes] = model.nodes[node]!, from = sizes.value[reads[0]!]!, to = sizes.value[makes[0]!]!, { reach } = ruleOf(node);
  if (typeof reach !== "object" || !reach["-1"] || from.length < 3) return null;
  const along = reachOf(model, sizes.value, changes.value, node);
  const look = (axis: number): Look => {
    const n = from.at(axis)!, o = to.at(axis)!, window = along(axis);
    if (window === "adaptive") {
      const reads = (out: number) => { const [a, b] = throughAdaptive([out, out], n, o); return upTo(b - a + 1, (i) => a + i); };
      return { n, o, pad: [0, 0], reads, readers: (c) => upTo(o, (i) => i).filter((i) => reads(i).includes(c)) };
    }
    if (typeof window === "string") return { n: 1, o: 1, pad: [0, 0], reads: () => [0], readers: () => [0] };
    const pad: [number, number] = window[1] > 0 ? [window[2], max(window[4], ...cellsRead(o - 1, window).map((last) => last - n + 1))] : [0, 0];
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
  const [rows, columns] = looks(node) ?? [], total = rows ? rows.o * columns!.o : 0;
  if (!rows || !columns || !total) return null;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [r, c] = [min(cell.value[0], rows.o - 1), min(cell.value[1], columns.o - 1)];
  const readRows = rows.reads(r), readColumns = columns.reads(c);
  const go = (step: number) => { const next = (r * columns.o + c + step + total) % total; cell.value = [floor(next / columns.o), next % columns.o]; };
  forward = () => go(1);
  const mine = pointed.value;
  const readers = mine && { rows: rows.readers(mine[0]), columns: columns.readers(mine[1]) };
  // A kernel reads all maps of its group; a window without kernels stays on its own map.
  const { in_channels, groups = 1 } = numbersOf(node).knobs, maps = in_channels && (columns.window![1] > 0 ? in_channels : in_channels / groups);
  return (
    <figure class="walk">
      <figcaption>The window at work</figcaption>
      <div class="two">
        <Grid title="input" rows={rows} columns={columns} input={beyond(node, [rows, columns])} marked={{ rows: readRows, columns: readColumns }} onPoint={(at) => (pointed.value = at)} />
        <Grid title="output" rows={rows} columns={columns} marked={readers || { rows: [r], columns: [c] }} onPoint={(at) => at && (cell.value = at)} />
      </div>
      <p class="tools">
        {!calm && <button aria-pressed={playing.value} onClick={() => (playing.value = !playing.value)}>{playing.value ? "Pause" : "Play"}</button>}
        <button onClick={() => go(-1)}>Step back</button>
        <button onClick={() => go(1)}>Step</button>
        {rows.o > 1 && <label>row <Whole slider label="Output row" most={rows.o - 1} now={r} set={(n) => (cell.value = [n, c])} /></label>}
        <label>column <Whole slider label="Output column" most={columns.o - 1} now={c} set={(n) => (cell.value = [r, n])} /></label>
        {!calm && <label>speed <Whole slider label="Speed" least={1} most={10} now={pace.value} set={(n) => (pace.value = n)} /></label>}
        <button onClick={() => jump("trace", "start")}>Trace this cell to the input</button>
      </p>
      <p class="status" role="status">
        {readers
          ? `Input row ${mine![0]}, column ${mine![1]} is read by ${readers.rows.length * readers.columns.length} of ${total} output cells.`
          : `Output row ${r}, column ${c} reads ${told(readRows, rows, "row")}, ${told(readColumns, columns, "column")}${maps ? `, on ${count(maps, "map")}` : ""}.`}
      </p>
    </figure>
  );
}

/** What lies outside the input: padding and what it counts as, or nothing that is there. */
function beyond(node: number, looks: Look[]): string {
  if (!looks.some(({ window }) => window && window[2] + window[4])) return "the window hangs over the edge";
  const { padded } = ruleOf(node);
  return padded ? `pad (${padded})` : "pad";
}

/** The cells that are read, in words; what a transposed window would read outside its input is not there at all. */
function told(cells: number[], { n, window }: Look, word: string): string {
  const inside = cells.filter((i) => i >= 0 && i < n), outside = window && window[1] < 0 ? 0 : cells.length - inside.length;
  return `${inside.length ? ranges(inside, word) : `no ${word}`}${outside ? ` and ${outside} outside` : ""}`;
}

interface GridProps { title: string; rows: Look; columns: Look; input?: string; marked: { rows: number[]; columns: number[] }; onPoint: (at: [number, number] | null) => void }

/** One grid; where it is larger than the picture the part around the marked cells is shown. */
function Grid({ title, rows, columns, input, marked, onPoint }: GridProps) {
  const frame = (look: Look, cells: number[]): [from: number, to: number, cut: boolean] => {
    const [low, high] = input ? [-look.pad[0], look.n + look.pad[1]] : [0, look.o], cut = high - low > MOST;
    const start = cut ? clamp(min(...cells) - floor(MOST / 3), low, high - MOST) : low;
    return [start, min(high, start + MOST), cut];
  };
  const [r0, r1, less] = frame(rows, marked.rows), [c0, c1, fewer] = frame(columns, marked.columns), [h, w] = input ? [rows.n, columns.n] : [rows.o, columns.o];
  const [wide, high] = [(c1 - c0) * CELL, (r1 - r0) * CELL], holes = input && columns.window ? between(marked) : [];
  const inside = (row: number, column: number) => row >= r0 && row < r1 && column >= c0 && column < c1;
  const cells = (name: string, rows: number[], columns: number[]) => rows.flatMap((row) => columns.map((column) =>
    inside(row, column) && <rect class={name} x={(column - c0) * CELL} y={(row - r0) * CELL} width={CELL} height={CELL} />));
  const lines = `${upTo(r1 - r0 + 1, (i) => `M0 ${i * CELL}h${wide}`).join("")}${upTo(c1 - c0 + 1, (i) => `M${i * CELL} 0v${high}`).join("")}`;
  const inner = { x: (max(0, c0) - c0) * CELL, y: (max(0, r0) - r0) * CELL, width: (min(w, c1) - max(0, c0)) * CELL, height: (min(h, r1) - max(0, r0)) * CELL };
  const point = (event: PointerEvent): void => {
    const [down, right] = under(event), at: [number, number] = [r0 + floor(down * (r1 - r0)), c0 + floor(right * (c1 - c0))];
    onPoint(at[0] >= 0 && at[0] < h && at[1] >= 0 && at[1] < w ? at : null);
  };
  const never = (look: Look, from: number, to: number) => (input ? upTo(max(0, min(look.n, to) - max(0, from)), (i) => i + max(0, from)).filter((i) => !look.readers(i).length) : []);
  const unread = [never(rows, r0, r1), never(columns, c0, c1)] as const, [padded, unused] = [input && (r0 < 0 || c0 < 0 || r1 > h || c1 > w), unread[0].length + unread[1].length > 0];
  return (
    <div>
      <span>{title}: {h} x {w} places{(less || fewer) && `, shown from row ${max(0, r0)}, column ${max(0, c0)}`}{padded && `, hatched: ${input}`}{unused && ", crossed: never read"}</span>
      <svg role="img" aria-label={`${title} grid of ${h} by ${w} places`} class={lit.value && `lit-${lit.value}`} viewBox={`0 0 ${wide} ${high}`} style={{ maxWidth: `${wide}px` }}
        onPointerMove={point} onPointerDown={point} onPointerLeave={() => onPoint(null)}>
        {padded && <rect class="pad" width="100%" height="100%" />}
        <rect class={input ? "in" : "out"} {...inner} />
        {unread[0].map((row) => <rect class="unread" y={(row - r0) * CELL} width={wide} height={CELL}><title>row {row} is never read</title></rect>)}
        {unread[1].map((column) => <rect class="unread" x={(column - c0) * CELL} width={CELL} height={high}><title>column {column} is never read</title></rect>)}
        <path class="lines" d={lines} />
        {cells(input ? "kernel" : "at", marked.rows, marked.columns)}
        {holes.filter(([row, column]) => inside(row, column)).map(([row, column]) => <circle class="hole" cx={(column - c0 + 0.5) * CELL} cy={(row - r0 + 0.5) * CELL} r={2} />)}
        {input && lit.value === "stride" && columns.window && cells("next", marked.rows, marked.columns.map((column) => column + columns.window![1]))}
      </svg>
    </div>
  );
}

/** The cells a dilated window steps over. */
function between({ rows, columns }: { rows: number[]; columns: number[] }): [number, number][] {
  const all = (cells: number[]) => (cells.length ? upTo(cells.at(-1)! - cells[0]! + 1, (i) => cells[0]! + i) : []);
  return all(rows).flatMap((row) => all(columns).flatMap((column): [number, number][] => (rows.includes(row) && columns.includes(column) ? [] : [[row, column]])));
}
