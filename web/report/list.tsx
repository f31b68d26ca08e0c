// The layers as a tree table. Only the rows in view exist, so a model of 20,000 calls costs what one of 20 does.

import { clamp, floor, isAxis, isSum, max, min } from "../core/trees";
import { computed, effect, signal } from "../core/signals";
import { count, grouped, short } from "../core/text";
import { told } from "./number";
import { called, changes, choose, chosen, element, filter, inOrder, isCall, jump, label, makers, model, open, outputOf, parents, rowOf, rowsShown, ruleOf, seen, sizes, stop, sums, total, touched, unknownWork, whole } from "./state";
import { Fragment, make } from "../view";

const HEIGHT = 28, SPARE = 5;
const top = signal(0), view = signal(500); // px: how far the list is scrolled, how high it is (at most so high, before it is measured)
const grid = (): Element | null => document.querySelector(".grid");
let timer = 0, scrolled = 0; // px; asking the list itself where it stands would make the browser lay it out at once

/** Keeps the chosen row in view. It stands before the table is drawn, so that a row far away is drawn at once and not after its scrolling. */
export function follow(): void {
  effect(() => {
    const place = rowsShown.value.indexOf(chosen.value), y = place * HEIGHT, least = y + 2 * HEIGHT - view.value, box = grid();
    if (place < 0 || !box) return;
    const next = top.value = scrolled = clamp(scrolled, least, y);
    queueMicrotask(() => (box.scrollTop = next)); // once the table is as high as its rows
  });
}

/** Measures the list, now and whenever the window changes. */
export function measure(): void {
  const resized = () => (view.value = grid()?.clientHeight ?? view.value);
  resized();
  addEventListener("resize", resized);
}

export function List() {
  return <div class="list" live={Table} />;
}

function Table() {
  const shown = rowsShown.value, from = max(0, floor(top.value / HEIGHT) - SPARE);
  const visible = shown.slice(from, from + Math.ceil(view.value / HEIGHT) + 2 * SPARE);
  return (
    <>
      <label class="find">Find a layer, a type or a number{" "}
        <input id="find" type="search" placeholder="320, conv, Linear ..." onInput={(e) => {
          const text = e.currentTarget.value;
          clearTimeout(timer);
          timer = setTimeout(() => (filter.value = text), 120) as unknown as number;
        }} />
      </label>
      <span class="count" role="status">{filter.value ? `${shown.length} of ${count(model.rows.length, "row")}` : `${count(model.rows.length, "row")}, ${count(model.nodes.length, "call")}`}</span>
      <div class="grid" role="treegrid" aria-label="Layers" aria-rowcount={shown.length + 1} tabIndex={0}
        aria-activedescendant={visible.includes(chosen.value) ? `row${chosen.value}` : undefined}
        onScroll={(e) => (top.value = scrolled = e.currentTarget.scrollTop)} onKeyDown={keys}>
        <div role="row" class="row head" aria-rowindex={1}>
          {["layer", "output", "learned", "MACs", "sees"].map((word) => <span role="columnheader">{word}</span>)}
        </div>
        <div role="rowgroup" class="body" style={{ height: `${shown.length * HEIGHT}px` }}>
          {visible.map((row, i) => <Line key={row} row={row} place={from + i} />)}
          <Skips top={from} rows={visible.length} />
        </div>
        {model.problem && !filter.value && <div role="row" class="row bad"><span role="gridcell"><b>{model.problem.path || model.problem.op}</b> <strong>does not fit</strong></span></div>}
      </div>
    </>
  );
}

function Line({ row, place }: { row: number; place: number }) {
  const data = model.rows[row]!, [depth, , type, first, count, times, kids] = data, end = stop.value?.node ?? Infinity;
  const sum = (table: "weights" | "work") => <span role="gridcell" class="r">{(whole.value && total(data, sums.value[table]) && short(total(data, sums.value[table]))) || ""}</span>;
  const state = end >= first + count ? "" : end >= first ? " bad" : " after";
  const joined = isCall(data) ? joins(first) : [];
  const flat = Boolean(filter.value), name = (flat ? called : label)(row), opened = open.value.has(row), mine = row === chosen.value;
  return (
    <div id={`row${row}`} role="row" class={`row${state}${mine ? " chosen-row" : ""}`} aria-rowindex={place + 2} aria-level={flat ? 1 : depth + 1}
      aria-expanded={kids && !flat ? opened : undefined} aria-selected={mine}
      style={{ top: `${place * HEIGHT}px` }} onClick={() => { choose(row); if (kids) toggle(row); }}>
      <span role="gridcell" style={{ paddingLeft: `${skips.value.gutter + (flat ? 4 : 4 + depth * 14)}px` }}>
        <i class={kids ? `fold${opened ? " open" : ""}` : ""} />
        <b>{name}</b>{times > 1 && <b> x {times}</b>} {type !== name && <small>{type}</small>}
        {joined.length > 0 && <small class="join"> + {joined.join(", ")}</small>}
        {state === " bad" && <strong> {stop.value!.known ? "does not fit" : "cannot be told"}</strong>}
      </span>
      <span role="gridcell" class="size"><Rulers shape={sizes.value[outputOf(row)]!} /> {state ? "-" : <Output row={row} />}</span>
      {sum("weights")}{sum("work")}
      <span role="gridcell" class="r">{!state && field(row)}</span>
    </div>
  );
}

/** Whether an expression rests on a size that arrives, or on chosen numbers alone. */
function arrives(tree: number): boolean {
  const entry = model.trees[tree]!;
  return isSum(entry) ? (entry as number[]).slice(1).some(arrives) : isAxis(entry);
}

/** The sizes a row gives; each looks as who decides it: boxed where it was chosen, dotted where it follows from a formula. */
function Output({ row }: { row: number }) {
  const [, , , first, count] = model.rows[row]!, node = first + count - 1, trees = ruleOf(node).outs[0]!;
  const shape = sizes.value[outputOf(row)]!.map((n, axis) => {
    const tree = trees[axis]!, entry = model.trees[tree]!, by = ruleOf(node).measured !== undefined ? "" : isSum(entry) ? (arrives(tree) ? "calculated" : "chosen") : typeof entry === "string" ? told(node, tree).by : "";
    return <span class={by} title={by}>{n}</span>;
  });
  return <>{inOrder(shape).map((n, i) => [i > 0 && " x ", n])}</>;
}

/** What a call reads beside the output of the call before it: a skip. */
export function joins(node: number): string[] {
  const [, reads] = model.nodes[node]!;
  if (reads.length < 2) return [];
  const made = new Set(model.nodes[node - 1]?.[2]);
  return reads.filter((t) => !made.has(t)).map((t) => {
    const node = makers.value[t];
    return node === undefined ? model.inputs.find(([tensor]) => tensor === t)?.[1] ?? "a constant" : called(rowOf(node));
  });
}

const LANES = 8, APART = 5; // skips drawn beside each other, px between them

/** The skips into calls that read several tensors: the places of both rows in the list, and a lane. What is in a closed row counts as that row. */
export const skips = computed(() => {
  const places = new Map(filter.value ? [] : rowsShown.value.map((row, place) => [row, place])), free: number[] = [], found = new Map<string, [number, number, number]>();
  const placeOf = (node?: number): number => {
    if (node === undefined) return -1;
    let row = rowOf(node);
    for (let up = parents[row]!; up >= 0; up = parents[up]!) if (!open.value.has(up)) row = up;
    return places.get(row) ?? -1;
  };
  const pairs = model.nodes.flatMap(([, reads], node) => (reads.length > 1 && whole.value ? reads.map((t): [number, number] => [placeOf(makers.value[t]), placeOf(node)]) : []));
  for (const [start, end] of pairs.filter(([a, b]) => a >= 0 && b > a + 1).sort(([a, b], [c, d]) => a - c || d - b)) {
    if (found.has(`${start} ${end}`)) continue;
    let lane = free.findIndex((until) => until <= start);
    if (lane < 0) lane = free.length;
    free[lane] = end;
    if (lane < LANES) found.set(`${start} ${end}`, [start, end, lane]);
  }
  return { found: [...found.values()], gutter: min(LANES, free.length) * APART };
});

/** The skips that cross the rows in view, as brackets from where the data leaves to where it joins. */
function Skips({ top, rows }: { top: number; rows: number }) {
  const { found, gutter } = skips.value, y = (place: number) => (place - top + 0.5) * HEIGHT;
  return (
    <svg class="skips" width={gutter + 6} height={rows * HEIGHT} style={{ top: `${top * HEIGHT}px` }} aria-hidden="true">
      {found.filter(([start, end]) => start < top + rows && end >= top).map(([start, end, lane]) => <path d={`M${gutter + 4} ${y(start) + 3}H${4 + lane * APART}V${y(end)}H${gutter + 4}m-3-3l3 3l-3 3`} />)}
    </svg>
  );
}

/** What one output cell sees of the image: `16 x 16`, or "all". */
export function field(row: number): string {
  const found = whole.value ? seen.value[outputOf(row)] : undefined;
  if (!found || sizes.value[outputOf(row)]!.length < 4) return "";
  return found.some((f) => f === null) ? "all" : found.map((f) => f!.size).join(" x ");
}

/** Space as a blue square, maps as an orange stack: two rulers, never one cuboid. */
function Rulers({ shape }: { shape: number[] }) {
  const space = shape.length >= 4 ? shape.slice(-2) : [], maps = shape.length >= 4 ? shape[1]! : shape.length > 1 ? shape.at(-1)! : 0;
  const side = (n: number) => clamp(Math.round(3 * Math.log2(n + 1) - 2), 3, 18), stack = min(18, 1 + 1.6 * Math.log2(maps + 1));
  return (
    <svg class="rulers" width="34" height="20" aria-hidden="true">
      {space.length > 0 && <rect class="space" x={1} y={19 - side(space[0]!)} width={side(space[1]!)} height={side(space[0]!)} />}
      {maps > 0 && <rect class="maps" x={24} y={19 - stack} width={6} height={stack} />}
    </svg>
  );
}

export function toggle(row: number, wanted?: boolean): void {
  const next = new Set(open.value);
  if (wanted ?? !next.has(row)) next.add(row);
  else next.delete(row);
  open.value = next;
}

function keys(event: KeyboardEvent): void {
  const shown = rowsShown.value, place = shown.indexOf(chosen.value), row = chosen.value, kids = model.rows[row]![6];
  const go = (to: number) => choose(shown[clamp(to, 0, shown.length - 1)] ?? row);
  const page = floor(view.value / HEIGHT) - 2;
  const act: Record<string, () => void> = {
    ArrowDown: () => go(place + 1), ArrowUp: () => go(place - 1), Home: () => go(0), End: () => go(shown.length - 1),
    PageDown: () => go(place + page), PageUp: () => go(place - page),
    ArrowRight: () => (kids && !open.value.has(row) ? toggle(row, true) : go(place + (kids ? 1 : 0))),
    ArrowLeft: () => (kids && open.value.has(row) ? toggle(row, false) : parents[row]! >= 0 && choose(parents[row]!)),
    Enter: () => { if (kids) toggle(row); jump("card"); element("card")?.focus(); },
  };
  const found = act[event.key];
  if (found) { event.preventDefault(); found(); }
}

export function Totals() {
  const [learned, work] = touched.value ? [sums.value.weights.at(-1)!, sums.value.work.at(-1)!] : model.totals, least = unknownWork.value || stop.value || model.problem ? "at least " : "";
  return (
    <p class="tools">
      <span>{model.problem && "at least "}<b>{grouped(learned!)}</b> learned numbers</span> <span>{least}<b>{grouped(work!)}</b> multiply-adds (MACs)</span>
      {Object.keys(changes.value.knobs).length > 0 && <span class="changed"> with your changes</span>}
    </p>
  );
}
