// Where a cell looks: bands of rows and columns, followed back through the calls.

import { clamp, floor, isNumber, max, min, upTo } from "./trees";
import { type Changes, type Model, type Window, numbers } from "./model";

/** For the last two axes (or the last one): first and last index, before clipping; `exact` is false where only "at most" is known. */
export interface Band { spans: [number, number][]; exact: boolean }

/** The span of input cells that outputs `first..last` read through a window. A negative stride is a transposed one. */
export function throughWindow([first, last]: [number, number], window: Window): [number, number] {
  const [size, stride, before, dilation] = window, span = dilation * (size - 1);
  if (stride > 0) return [first * stride - before, last * stride - before + span];
  return [Math.ceil((first + before - span) / -stride), floor((last + before) / -stride)];
}

/** The span through adaptive pooling of `n` cells to `o`: window i covers floor(i*n/o) up to, not including, ceil((i+1)*n/o). */
export function throughAdaptive([first, last]: [number, number], n: number, o: number): [number, number] {
  return [floor((first * n) / o), Math.ceil(((last + 1) * n) / o) - 1];
}

/** How a call's outputs look along an axis: through a window, at their own place, or, where nothing else is known, at all of it. */
type Reach = Window | "adaptive" | "same" | "all";

/** The reach of a call along each axis, with its numbers put in. */
export function reachOf(model: Model, sizes: number[][], changes: Changes, node: number): (axis: number) => Reach {
  const reach = model.rules[model.nodes[node]![0]]!.reach ?? "all";
  if (typeof reach === "string") return () => reach;
  const at = numbers(model, sizes, node, changes);
  return (axis) => {
    const window = reach[axis] ?? "all";
    return typeof window === "string" ? window : (window.map((tree) => at.value(tree)) as Window);
  };
}

/** From one cell (its last one or two indices) of a tensor back: the band it reads in every tensor before it.
 * A band ends where its tensor does: padding reads nothing. Only that of an input keeps the padding around it, to be shown.
 */
export function trace(model: Model, sizes: number[][], changes: Changes, tensor: number, cell: number[]): Map<number, Band> {
  const bands = new Map<number, Band>([[tensor, { spans: cell.map((i) => [i, i]), exact: true }]]);
  const join = (t: number, spans: [number, number][], exact: boolean) => {
    const seen = bands.get(t);
    if (spans.some(([a, b]) => b < a)) return;
    if (seen && seen.spans.length === spans.length) {
      spans = spans.map(([a, b], i) => [min(a, seen.spans[i]![0]), max(b, seen.spans[i]![1])]);
      exact &&= seen.exact;
    }
    bands.set(t, { spans, exact });
  };
  for (let node = model.nodes.length - 1; node >= 0; node--) {
    const [, reads, makes] = model.nodes[node]!;
    for (const made of makes) {
      const band = bands.get(made);
      if (!band) continue;
      const out = sizes[made]!, along = reachOf(model, sizes, changes, node);
      for (const read of reads) {
        const size = sizes[read]!, axes = clamp(size.length - 2, 0, 2), kept = axes > 0 && band.spans.length === axes;
        const inner = model.inputs.every(([t]) => t !== read);
        let exact = band.exact && kept;
        join(read, upTo(axes, (i): [number, number] => {
          const axis = i - axes, n = size.at(axis)!, span = band.spans[i]!, how = kept ? along(axis) : "all";
          if (how === "adaptive") return throughAdaptive(span, n, out.at(axis)!);
          if (how === "same" && n === out.at(axis)) return span;
          if (how === "all") exact = false;
          if (typeof how === "string") return [0, n - 1];
          const [first, last] = throughWindow(span, how);
          return inner || how[1] < 0 ? [max(first, 0), min(last, n - 1)] : [first, last];
        }), exact);
      }
    }
  }
  return bands;
}

/** The cells that one output index reads along one axis, in order, clipped cells left in. */
export function cellsRead(out: number, [size, stride, before, dilation]: Window): number[] {
  const cells = upTo(size, (j) => j * dilation);
  if (stride > 0) return cells.map((j) => out * stride - before + j);
  return cells.map((j) => (out + before - j) / -stride).filter(isNumber).reverse();
}

/** The output indices, of `n`, that read input cell `cell` along one axis: `cellsRead` solved for the output. */
export function readersOf(cell: number, n: number, [size, stride, before, dilation]: Window): number[] {
  const found = upTo(size, (j) => (stride > 0 ? (cell + before - j * dilation) / stride : cell * -stride - before + j * dilation));
  return found.filter((out) => isNumber(out) && out >= 0 && out < n).sort((a, b) => a - b);
}

/** How the cells of a tensor look at the image along one axis: cell u sees `u*step - start` and `size - 1` more; null: all of it. */
export interface Field { size: number; step: number; start: number }

/** The field of every tensor along axis -2 and -1, in closed form; null where cells differ from each other or nothing is known. */
export function fields(model: Model, sizes: number[][], changes: Changes): (Field | null)[][] {
  const known: (Field | null)[][] = [];
  for (const [tensor] of model.inputs) known[tensor] = [{ size: 1, step: 1, start: 0 }, { size: 1, step: 1, start: 0 }];
  model.nodes.forEach(([, reads, makes], node) => {
    const along = reachOf(model, sizes, changes, node);
    const axes = [-2, -1].map((axis): Field | null => {
      let joined: Field | null | undefined;
      for (const read of reads) {
        const before = known[read]?.[axis + 2], n = sizes[read]!.at(axis);
        if (before === undefined || n === undefined) continue;
        const field = sizes[read]!.length < 3 ? null : before && through(before, along(axis), n === sizes[makes[0]!]?.at(axis));
        joined = joined === undefined ? field : both(joined, field);
      }
      return joined ?? null;
    });
    for (const made of makes) known[made] = axes;
  });
  return known;
}

/** The field of a call's output cells, where its input's cells have `field`. */
function through(field: Field, how: Reach, sameSize: boolean): Field | null {
  if (typeof how === "string") return how === "same" && sameSize ? field : null;
  const [size, stride, before, dilation] = how;
  if (stride < 1) return null;
  return { size: field.size + dilation * (size - 1) * field.step, step: field.step * stride, start: field.start + before * field.step };
}

/** What is seen on either of two ways. */
function both(a: Field | null, b: Field | null): Field | null {
  if (!a || !b || a.step !== b.step) return null;
  const start = max(a.start, b.start);
  return { step: a.step, start, size: max(a.size - a.start, b.size - b.start) + start };
}
