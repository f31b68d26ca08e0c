// One output number opened into the numbers it is made of, as lab/opened.py does for Python.

import type { Changes, Result } from "../core/model";
import { count, sent } from "./data";
import { type Work, divisor, window, workOf } from "./forward";

export interface Term { at: number[] | null; input: number; weight: number | null }
export interface Part { name: string; terms: Term[]; row: number }
export interface Opened { kind: "sum" | "winner" | "mean" | "function" | "copied"; parts: Part[]; bias: number | null; result: number; note: string; winner?: Term }

export const product = ({ input, weight }: Term): number => (weight === null ? input : input * weight);
export const total = (part: Part): number => part.terms.reduce((sum, t) => sum + product(t), 0);

/** The place of a cell in its tensor, laid in one row: c*16 + i*4 + j. */
export function flat(at: number[], shape: number[]): number {
  return at.reduce((place, i, axis) => place * shape[axis]! + i, 0);
}

/** And back. */
export function unflat(place: number, shape: number[]): number[] {
  const at: number[] = [];
  for (const n of [...shape].reverse()) {
    at.unshift(place % n);
    place = Math.floor(place / n);
  }
  return at;
}

/** An index in words: map 3, row 5, column 7. */
export function words(at: number[]): string {
  const names = at.length === 3 ? ["map", "row", "column"] : at.length === 1 ? ["number"] : at.map((_, i) => `axis ${i}`);
  return at.map((i, axis) => `${names[axis]} ${i}`).join(", ");
}

/** What Python's `value` says, in the page's form: places without the batch axis. */
export function received(told: Record<string, unknown>): Opened {
  const { kind, parts, bias, result, formula, winner, divisor } = told as {
    kind: string; parts: (Part & { terms: Term[] })[]; bias: number | null; result: number; formula: string; winner: number[] | null; divisor: number | null;
  };
  const own = parts.map((part) => ({ ...part, terms: part.terms.map((t) => ({ ...t, at: t.at && t.at.slice(1) })) }));
  const won = winner && own[0]!.terms.find((t) => String(t.at) === String(winner.slice(1)));
  const note = kind === "winner" ? "the largest wins" : kind === "mean" ? `the sum is divided by ${divisor}` : formula || "nothing is computed: the number is passed on";
  return { kind: kind === "scaled" ? "function" : (kind as Opened["kind"]), parts: own, bias, result, note, ...(won ? { winner: won } : {}) };
}

/** The cell `at` (without the batch axis) of a call's output, opened; null where the page does not know its input. */
export function open(node: number, at: number[], values: (Float32Array | null)[], changes: Changes, result: Result): Opened | null {
  if (!sent.runs) return null;
  const work = workOf(node, values, changes, result), how = OPEN[sent.steps[node]!.op];
  return work && how ? how(work, at) : null;
}

function sum(parts: Part[], bias: number | null): Opened {
  return { kind: "sum", parts, bias, result: parts.reduce((s, p) => s + total(p), bias ?? 0), note: "" };
}

function conv({ x, from, to, knob, weight, flag }: Work, at: number[]): Opened {
  const [map, row, column] = at as [number, number, number], kernel = weight("weight")!, per = kernel.shape[1]!;
  const [h, w] = from.slice(-2) as [number, number], taps = kernel.shape[2]! * kernel.shape[3]!;
  const first = Math.floor(map / (to.at(-3)! / (from.at(-3)! / per))) * per;
  const cells = window({ x, from, to, knob, weight, flag }, row, column);
  const parts = Array.from({ length: per }, (_, own) => ({
    name: `map ${first + own}`, row: kernel.shape[3]!,
    terms: cells.map(([tap, r, c]): Term => ({
      at: r < 0 ? null : [first + own, r, c],
      input: r < 0 ? 0 : x[((first + own) * h + r) * w + c]!,
      weight: kernel.data[(map * per + own) * taps + tap]!,
    })),
  }));
  return sum(parts, weight("bias")?.data[map] ?? null);
}

function linear({ x, weight }: Work, at: number[]): Opened {
  const { shape, data } = weight("weight")!, feature = at.at(-1)!;
  const terms = Array.from({ length: shape[1]! }, (_, i): Term => ({ at: [i], input: x[i]!, weight: data[feature * shape[1]! + i]! }));
  return sum([{ name: "numbers", terms, row: 1 }], weight("bias")?.data[feature] ?? null);
}

function seen(work: Work, at: number[]): Term[] {
  const [map, row, column] = at as [number, number, number], [h, w] = work.from.slice(-2) as [number, number];
  return window(work, row, column).filter(([, r]) => r >= 0).map(([, r, c]) => ({ at: [map, r, c], input: work.x[(map * h + r) * w + c]!, weight: null }));
}

function maxPool(work: Work, at: number[]): Opened {
  const terms = seen(work, at), winner = terms.reduce((best, t) => (t.input > best.input ? t : best));
  return { kind: "winner", parts: [{ name: `map ${at[0]}`, terms, row: work.knob("kernel_size")[1]! }], bias: null, result: winner.input, note: "the largest wins", winner };
}

function avgPool(work: Work, at: number[]): Opened {
  const terms = seen(work, at), by = divisor(work, at[1]!, at[2]!, terms.length), part = { name: `map ${at[0]}`, terms, row: work.knob("kernel_size")[1]! };
  return { kind: "mean", parts: [part], bias: null, result: total(part) / by, note: `the sum is divided by ${by}` };
}

function one(kind: "function" | "copied", of: (v: number) => number, note: (v: number) => string) {
  return ({ x, from, to }: Work, at: number[]): Opened => {
    const place = flat(at, to.slice(1)), term: Term = { at: unflat(place, from.slice(1)), input: x[place]!, weight: null };
    return { kind, parts: [{ name: "input", terms: [term], row: 1 }], bias: null, result: of(term.input), note: note(term.input) };
  };
}

const asItCame = one("copied", (v) => v, () => "nothing is computed: the number is passed on");
const OPEN: Record<string, (work: Work, at: number[]) => Opened> = {
  conv2d: conv,
  linear,
  max_pool2d: maxPool,
  avg_pool2d: avgPool,
  relu: one("function", (v) => Math.max(0, v), (v) => `max(0, ${v.toFixed(4)})`),
  sigmoid: one("function", (v) => 1 / (1 + Math.exp(-v)), (v) => `1 / (1 + exp(-(${v.toFixed(4)})))`),
  tanh: one("function", Math.tanh, (v) => `tanh(${v.toFixed(4)})`),
  dropout: one("copied", (v) => v, () => "dropout passes everything on once training is over"),
  flatten: asItCame,
  "Tensor.view": asItCame,
  "Tensor.reshape": asItCame,
};

/** Largest positive and negative contributions, and what all others sum to. */
export function strongest(part: Part, many: number): { positive: Term[]; negative: Term[]; others: number; left: number } {
  const sorted = [...part.terms].sort((a, b) => product(b) - product(a));
  const positive = sorted.slice(0, many).filter((t) => product(t) > 0), negative = sorted.slice(-many).reverse().filter((t) => product(t) < 0);
  const named = new Set([...positive, ...negative]);
  return { positive, negative, others: sorted.reduce((s, t) => (named.has(t) ? s : s + product(t)), 0), left: sorted.length - named.size };
}

export const cells = (shape: number[]): number => count(shape.slice(1));
