// What the page shows now. Everything follows from a few signals; the address bar holds them, so that a link is an exact view.

import { computed, effect, signal } from "../core/signals";
import { type Changes, type Knobs, type Model, type Result, type Row, type Rule, UNCHANGED, evaluate, numbers, parameters, repeats, turned } from "../core/model";
import { type Numbers, max } from "../core/trees";
import { type Field, fields } from "../core/reach";

export let model: Model;
export const changes = signal<Changes>(UNCHANGED);
export const chosen = signal(0); // a row
export const open = signal<ReadonlySet<number>>(new Set());
export const filter = signal("");
export const cell = signal<[row: number, column: number]>([0, 0]); // of the chosen layer's output
export const kerasOrder = signal(false);
export const lit = signal(""); // the quantity pointed at in a formula: kernel_size, stride, padding, dilation
export const tip = signal<{ text: string; x: number; y: number; pinned: boolean } | null>(null);

// Unchanged, the sizes are those of the trace; asking for them again would give the same, later.
export const result = computed((): Result => (touched.value ? evaluate(model, changes.value) : { sizes: model.tensors.map((shape) => model.shapes[shape]!) }));
export const sizes = computed(() => result.value.sizes);
export const stop = computed(() => result.value.stop);
export const touched = computed(() => Object.keys(changes.value.inputs).length + Object.keys(changes.value.knobs).length > 0);
export const seen = computed((): (Field | null)[][] => fields(model, sizes.value, changes.value));

/** Sums over the calls before each call, so that any row's total is one subtraction. */
export const sums = computed(() => {
  const weights = new Float64Array(model.nodes.length + 1), work = weights.slice(), made = weights.slice(), end = stop.value?.node ?? Infinity;
  model.nodes.forEach(([index, , makes], node) => {
    const macs = model.rules[index]!.macs, at = numbersOf(node);
    weights[node + 1] = weights[node]! + parameters(model, at, node);
    work[node + 1] = work[node]! + (macs === undefined || node >= end ? 0 : at.value(macs));
    made[node + 1] = made[node]! + (node < end ? makes.reduce((sum, t) => sum + sizes.value[t]!.reduce((a, b) => a * b, 1), 0) : 0);
  });
  return { weights, work, made };
});

/** What a row's calls come to together. */
export const total = ([, , , first, count]: Row, table: Float64Array): number => table[first + count]! - table[first]!;

/** The call that makes each tensor; none for an input. */
export const makers = computed(() => {
  const found: number[] = [];
  model.nodes.forEach(([, , makes], node) => makes.forEach((t) => (found[t] = node)));
  return found;
});

/** Calls no formula covers: their work is not counted, so totals are "at least". */
export const unknownWork = computed(() => model.nodes.some(([rule]) => model.rules[rule]!.measured !== undefined));

/** False until the answer and the first rows are painted: what takes a pass over the whole model, or stands further down, comes after. */
export const whole = signal(false);

/** What is shown once the reader has stopped moving: what takes long to draw follows this, and the address. */
export const settled = signal<{ row: number; cell: [number, number]; link: string } | null>(null);

/** The row each row stands in; -1 at the top. */
export let parents: number[] = [];

/** The full path of a row, as `named_modules` writes it; that of a call without a module of its own is its parent's. */
export const path = (row: number): string => (row < 0 ? "" : [path(parents[row]!), model.rows[row]![1]].filter(Boolean).join("."));

export function begin(data: Model): void {
  model = data;
  const above: number[] = [], opened = new Set<number>();
  parents = model.rows.map(([depth, , , , , , kids], row) => {
    if (!depth && kids) opened.add(row);
    above[depth] = row;
    return depth ? above[depth - 1]! : -1;
  });
  open.value = opened;
  const first = model.rows.findIndex((row) => isCall(row) && Object.keys(knobsOf(row[3])).length > 0);
  chosen.value = max(0, first);
  readAddress();
  let waiting = 0;
  effect(() => {
    const next = { row: chosen.value, cell: cell.value };
    void changes.value;
    clearTimeout(waiting);
    waiting = setTimeout(() => (settled.value = { ...next, link: address() }), 160) as unknown as number;
  });
}

/** The derivation of a call. */
export const ruleOf = (node: number): Rule => model.rules[model.nodes[node]![0]]!;

/** Its knobs, as they were read. */
export const knobsOf = (node: number): Knobs => ruleOf(node).knobs ?? {};

/** The numbers of a call as they stand. */
export const numbersOf = (node: number): Numbers => numbers(model, sizes.value, node, changes.value);

export function isCall(row: Row): boolean {
  return row[6] === 0;
}

/** What a row is called: its module's path, or for a bare call its operator. */
export function label(row: number): string {
  const [, name, type] = model.rows[row]!;
  return name || type;
}

/** The same with the modules it stands in. */
export const called = (row: number): string => (model.rows[row]![1] ? path(row) : `${path(row)} ${label(row)}`.trim());

/** The tensor a row gives: what its last call makes. */
export function outputOf(row: number): number {
  const [, , , first, count] = model.rows[row]!;
  return model.nodes[first + count - 1]![2][0]!;
}

/** The row a call is shown in: the deepest one that covers it. */
export function rowOf(node: number): number {
  let low = 0, high = model.rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (model.rows[middle]![3] <= node) low = middle;
    else high = middle - 1;
  }
  while (low > 0 && model.rows[low]![3] + model.rows[low]![4] <= node) low = parents[low]!;
  return max(low, 0);
}

export const rowsShown = computed((): number[] => {
  const wanted = filter.value.trim().toLowerCase(), shown: number[] = [];
  if (wanted) {
    const number = /^\d+$/.test(wanted);
    model.rows.forEach((row, index) => {
      const sizesHere = () => sizes.value[outputOf(index)]!.includes(+wanted) || Object.values(numbersOf(row[3]).knobs).includes(+wanted);
      if (number ? isCall(row) && sizesHere() : `${path(index)} ${row[2]}`.toLowerCase().includes(wanted)) shown.push(index);
    });
    return shown;
  }
  for (let row = 0; row < model.rows.length; row += 1 + (open.value.has(row) ? 0 : model.rows[row]![6])) shown.push(row);
  return shown;
});

export function choose(row: number): void {
  chosen.value = row;
  cell.value = [0, 0];
  const opened = new Set(open.value);
  for (let up = parents[row]!; up >= 0; up = parents[up]!) opened.add(up);
  if (opened.size !== open.value.size) open.value = opened;
}

export function setKnobs(node: number, knobs: Knobs): void {
  changes.value = turned(model, changes.value, node, knobs);
}

export function setInput(tensor: number, shape: number[]): void {
  changes.value = { ...changes.value, inputs: { ...changes.value.inputs, [tensor]: shape } };
}

/** What is told of a shape: all but the batch, maps last where Keras' order is asked for. */
export function inOrder<T>(shape: T[]): T[] {
  const rest = shape.length > 1 ? shape.slice(1) : shape;
  return kerasOrder.value && rest.length > 1 ? [...rest.slice(1), rest[0]!] : rest;
}

/** Sizes as text: `10 x 24 x 24`. */
export const sizeText = (tensor: number): string => inOrder(sizes.value[tensor]!).join(" x ") || "one number";

export const element = (id: string): HTMLElement | null => document.getElementById(id);

/** Brings a part of the page into view. */
export const jump = (id: string, block: ScrollLogicalPosition = "nearest"): void => element(id)?.scrollIntoView({ block });

/** Where the pointer is in a picture, as shares of its height and width. */
export function under({ currentTarget, clientX, clientY }: PointerEvent): [down: number, right: number] {
  const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
  return [(clientY - top) / height, (clientX - left) / width];
}

export function address(): string {
  const parts = [`l=${encodeURIComponent(path(chosen.value) || `call ${model.rows[chosen.value]![3]}`)}`];
  if (cell.value.some(Boolean)) parts.push(`px=${cell.value.join(",")}`);
  for (const [tensor, shape] of Object.entries(changes.value.inputs)) parts.push(`in${tensor}=${shape.join(",")}`);
  for (const [node, knobs] of Object.entries(changes.value.knobs)) {
    if (repeats(model, +node)[0] === +node) parts.push(`k${node}=${Object.entries(knobs).map(([name, value]) => `${encodeURIComponent(name)}:${value}`).join(",")}`);
  }
  return `#${parts.join("&")}`;
}

/** Takes the view from the address; whatever does not belong to this model is passed over. */
export function readAddress(): void {
  let read: Changes = { inputs: {}, knobs: {} }, whole = /^\d{1,9}$/;
  for (const part of location.hash.slice(1).split("&")) {
    const [key = "", raw = ""] = part.split("="), value = decoded(raw || key), list = value.split(",");
    const index = +key.replace(/^\D+/, "");
    if (key === "l" || (part && !raw)) {
      const row = value.startsWith("call ") ? rowOf(+value.slice(5)) : model.rows.findIndex((_, row) => path(row) === value);
      if (row >= 0) choose(row);
    } else if (key === "px" && list.length === 2 && list.every((n) => whole.test(n))) cell.value = [+list[0]!, +list[1]!];
    else if (/^in\d+$/.test(key) && list.length === model.shapes[model.tensors[index]!]?.length && list.every((n) => whole.test(n))) {
      read.inputs[index] = list.map(Number);
    } else if (/^k\d+$/.test(key) && model.nodes[index]) {
      const known = knobsOf(index), pairs = raw.split(",").map((pair) => decoded(pair).split(":")).filter(([name, n]) => Object.hasOwn(known, name!) && whole.test(n ?? ""));
      if (pairs.length) read = turned(model, read, index, Object.fromEntries(pairs.map(([name, n]) => [name, +n!])));
    }
  }
  changes.value = read;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a broken escape in a hand-written link
  }
}
