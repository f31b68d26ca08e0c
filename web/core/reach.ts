// Where a cell looks: bands of rows and columns, followed back through the calls.

import { floor, max, min } from "./trees";
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

/** From one cell (its last one or two indices) of a tensor back: the band it reads in every tensor before it. */
export function trace(model: Model, sizes: number[][], changes: Changes, tensor: number, cell: number[]): Map<number, Band> {
  const bands = new Map<number, Band>([[tensor, { spans: cell.map((i) => [i, i]), exact: true }]]);
  const join = (t: number, spans: [number, number][], exact: boolean) => {
    const seen = bands.get(t);
    if (seen && seen.spans.length === spans.length) {
      spans = spans.map(([a, b], i) => [min(a, seen.spans[i]![0]), max(b, seen.spans[i]![1])]);
      exact &&= seen.exact;
    }
    bands.set(t, { spans, exact });
  };
  for (let node = model.nodes.length - 1; node >= 0; node--) {
    const [index, reads, makes] = model.nodes[node]!, reach = model.rules[index]!.reach ?? "all";
    for (const made of makes) {
      const band = bands.get(made);
      if (!band) continue;
      const out = sizes[made]!;
      for (const read of reads) {
        const size = sizes[read]!, axes = min(2, max(0, size.length - 2));
        if (reach === "all" || axes === 0 || band.spans.length !== axes) {
          join(read, size.slice(size.length - axes).map((n) => [0, n - 1]), false);
          continue;
        }
        const at = numbers(model, sizes, node, changes);
        const spans = band.spans.map((span, i): [number, number] => {
          const axis = i - axes, n = size.at(axis)!, window = reach === "same" ? undefined : reach[axis];
          if (window === "adaptive") return throughAdaptive(span, n, out.at(axis)!);
          if (window) return throughWindow(span, window.map((tree) => at.value(tree)) as Window);
          return reach !== "same" || n !== out.at(axis) ? [0, n - 1] : span;
        });
        join(read, spans, band.exact && (reach === "same" || axes === Object.keys(reach).length));
      }
    }
  }
  return bands;
}

/** The cells that one output index reads along one axis, in order, clipped cells left in. */
export function cellsRead(out: number, [size, stride, before, dilation]: Window): number[] {
  const cells = Array.from({ length: size }, (_, j) => j * dilation);
  if (stride > 0) return cells.map((j) => out * stride - before + j);
  return cells.map((j) => (out + before - j) / -stride).filter(Number.isInteger).reverse();
}

/** The output indices, of `n`, that read input cell `cell` along one axis: `cellsRead` solved for the output. */
export function readersOf(cell: number, n: number, [size, stride, before, dilation]: Window): number[] {
  const found = Array.from({ length: size }, (_, j) => (stride > 0 ? (cell + before - j * dilation) / stride : cell * -stride - before + j * dilation));
  return found.filter((out) => Number.isInteger(out) && out >= 0 && out < n).sort((a, b) => a - b);
}

/** How the cells of a tensor look at the image along one axis: cell u sees `u*step - start` and `size - 1` more; null: all of it. */
export interface Field { size: number; step: number; start: number }

/** The field of every tensor along axis -2 and -1, in closed form; null where cells differ from each other or nothing is known. */
export function fields(model: Model, sizes: number[][], changes: Changes): Map<number, (Field | null)[]> {
  const known = new Map<number, (Field | null)[]>(model.inputs.map(([t]) => [t, [{ size: 1, step: 1, start: 0 }, { size: 1, step: 1, start: 0 }]]));
  const windows = new Map<string, Window>(); // of calls that are derived alike
  const windowOf = (index: number, node: number, axis: number, trees: Window): Window => {
    const key = `${index} ${axis} ${changes.knobs[node] ? node : model.nodes[node]![1].map((t) => sizes[t])}`, known = windows.get(key);
    if (known) return known;
    const at = numbers(model, sizes, node, changes), found = trees.map((tree) => at.value(tree)) as Window;
    windows.set(key, found);
    return found;
  };
  model.nodes.forEach(([index, reads, makes], node) => {
    const reach = model.rules[index]!.reach ?? "all";
    const axes = [-2, -1].map((axis): Field | null => {
      let joined: Field | null | undefined;
      for (const read of reads) {
        const before = known.get(read)?.[axis + 2], n = sizes[read]!.at(axis);
        if (before === undefined || n === undefined) continue;
        let field = sizes[read]!.length < 3 || reach === "all" ? null : before;
        const window = typeof reach === "object" ? reach[axis] : undefined;
        if (field && window) {
          const [size, stride, start, dilation] = window === "adaptive" ? [0, 0, 0, 0] : windowOf(index, node, axis, window);
          field = stride > 0 ? { size: field.size + dilation * (size - 1) * field.step, step: field.step * stride, start: field.start + start * field.step } : null;
        } else if (reach !== "same" || n !== sizes[makes[0]!]?.at(axis)) field = null;
        if (joined === undefined) joined = field;
        else if (joined && field && joined.step === field.step) {
          const start = max(joined.start, field.start);
          joined = { step: field.step, start, size: max(joined.size - joined.start, field.size - field.start) + start };
        } else joined = null;
      }
      return joined ?? null;
    });
    for (const made of makes) known.set(made, axes);
  });
  return known;
}
