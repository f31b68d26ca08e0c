// Runs the graph that Python sent. The sizes are Python's (evaluated from its trees); here is only the arithmetic of values.

import type { Changes, Knobs, Result } from "../core/model";
import { type Knob, type Step, type Weights, count, sent, weights } from "./data";

/** What a call works with: shapes without guessing, settings by name, weights by name. */
export interface Work { x: Float32Array; from: number[]; to: number[]; knob: (name: string) => number[]; weight: (name: string) => Weights | undefined; flag: (name: string) => boolean }

/** A setting as one number for each of two axes, with what was changed on the page put in. */
export function pair(knobs: Record<string, Knob>, changed: Knobs | undefined, name: string): number[] {
  const was = knobs[name], both = Array.isArray(was) ? was : [was as number, was as number];
  return both.map((v, i) => changed?.[`${name}[${i}]`] ?? changed?.[name] ?? v);
}

/** The cells of one map under a window at an output place: (place in the kernel, row, column), outside ones with row -1. */
export function window(work: Work, row: number, column: number): [tap: number, r: number, c: number][] {
  const [kh, kw] = work.knob("kernel_size"), [sh, sw] = work.knob("stride"), [ph, pw] = work.knob("padding"), [dh, dw] = work.knob("dilation");
  const [height, width] = work.from.slice(-2), cells: [number, number, number][] = [];
  for (let i = 0; i < kh!; i++) {
    for (let j = 0; j < kw!; j++) {
      const r = row * sh! - ph! + i * dh!, c = column * sw! - pw! + j * dw!;
      cells.push(r >= 0 && r < height! && c >= 0 && c < width! ? [i * kw! + j, r, c] : [i * kw! + j, -1, -1]);
    }
  }
  return cells;
}

function conv2d(work: Work): Float32Array {
  const { x, from, to } = work, [maps, oh, ow] = to.slice(-3) as [number, number, number], [, h, w] = from.slice(-3) as [number, number, number];
  const kernel = work.weight("weight")!, bias = work.weight("bias"), per = kernel.shape[1]!, taps = kernel.shape[2]! * kernel.shape[3]!;
  const group = maps / (from.at(-3)! / per), out = new Float32Array(count(to));
  for (let row = 0; row < oh; row++) {
    for (let column = 0; column < ow; column++) {
      const cells = window(work, row, column).filter(([, r]) => r >= 0);
      for (let map = 0; map < maps; map++) {
        let sum = bias ? bias.data[map]! : 0;
        const first = Math.floor(map / group) * per;
        for (let own = 0; own < per; own++) {
          const plane = (first + own) * h * w, at = (map * per + own) * taps;
          for (const [tap, r, c] of cells) sum += x[plane + r * w + c]! * kernel.data[at + tap]!;
        }
        out[(map * oh + row) * ow + column] = sum;
      }
    }
  }
  return out;
}

/** Pools: one window per output cell, each map alone. */
function pooled(work: Work, reduce: (cells: number[], work: Work, row: number, column: number) => number): Float32Array {
  const { x, from, to } = work, [maps, oh, ow] = to.slice(-3) as [number, number, number], [h, w] = from.slice(-2) as [number, number];
  const out = new Float32Array(count(to));
  for (let row = 0; row < oh; row++) {
    for (let column = 0; column < ow; column++) {
      const cells = window(work, row, column).filter(([, r]) => r >= 0);
      for (let map = 0; map < maps; map++) {
        out[(map * oh + row) * ow + column] = reduce(cells.map(([, r, c]) => x[(map * h + r) * w + c]!), work, row, column);
      }
    }
  }
  return out;
}

/** What a mean is divided by: the cells, with padding counted where the layer says so, but nothing beyond the padding. */
export function divisor(work: Work, row: number, column: number, inside: number): number {
  const fixed = work.knob("divisor_override")[0];
  if (fixed) return fixed;
  if (!work.flag("count_include_pad")) return inside;
  return [row, column].reduce((area, at, i) => {
    const start = at * work.knob("stride")[i]! - work.knob("padding")[i]!;
    return area * (Math.min(start + work.knob("kernel_size")[i]!, work.from.at(i - 2)! + work.knob("padding")[i]!) - start);
  }, 1);
}

function linear({ x, to, weight }: Work): Float32Array {
  const { shape, data } = weight("weight")!, bias = weight("bias"), [outs, ins] = shape as [number, number];
  return Float32Array.from({ length: count(to) }, (_, i) => {
    const feature = i % outs, start = Math.floor(i / outs) * ins;
    let sum = bias ? bias.data[feature]! : 0;
    for (let j = 0; j < ins; j++) sum += x[start + j]! * data[feature * ins + j]!;
    return sum;
  });
}

function batchNorm({ x, from, knob, weight }: Work): Float32Array {
  const places = count(from.slice(2)), eps = knob("eps")[0]!, at = (name: string, c: number, none: number): number => weight(name)?.data[c] ?? none;
  return x.map((v, i) => {
    const c = Math.floor(i / places) % from[1]!;
    return ((v - at("running_mean", c, 0)) / Math.sqrt(at("running_var", c, 1) + eps)) * at("weight", c, 1) + at("bias", c, 0);
  });
}

function softmax(x: Float32Array, log: boolean): Float32Array {
  const most = Math.max(...x), sum = x.reduce((s, v) => s + Math.exp(v - most), 0);
  return x.map((v) => (log ? v - most - Math.log(sum) : Math.exp(v - most) / sum));
}

const same = ({ x }: Work): Float32Array => x;

/** The operators the page can run; Python asks the same list before it promises a page that runs alone. */
const RUN: Record<string, (work: Work) => Float32Array> = {
  conv2d,
  max_pool2d: (work) => pooled(work, (cells) => Math.max(...cells)),
  avg_pool2d: (work) => pooled(work, (cells, at, row, column) => cells.reduce((a, b) => a + b, 0) / divisor(at, row, column, cells.length)),
  linear,
  batch_norm: batchNorm,
  relu: ({ x }) => x.map((v) => (v > 0 ? v : 0)),
  sigmoid: ({ x }) => x.map((v) => 1 / (1 + Math.exp(-v))),
  tanh: ({ x }) => x.map(Math.tanh),
  softmax: ({ x }) => softmax(x, false),
  log_softmax: ({ x }) => softmax(x, true),
  dropout: same,
  flatten: same,
  "Tensor.view": same,
  "Tensor.reshape": same,
};

/** Settings that change the shape of a weight: after them there are no trained numbers. */
const NEEDS_TRAINING = /^(out_channels|in_channels|groups|out_features|in_features|num_features)$/;
export function untrained(step: Step, changed: Knobs | undefined): boolean {
  return Object.keys(changed ?? {}).some((name) => NEEDS_TRAINING.test(name) || (name.startsWith("kernel_size") && "weight" in step.weights));
}

/** One call's work, or null where its input is not known. */
export function workOf(node: number, values: (Float32Array | null)[], changes: Changes, result: Result): Work | null {
  const step = sent.steps[node]!, [, reads, makes] = sent.model.nodes[node]!, changed = changes.knobs[node];
  const x = values[reads[0]!], knobs = step.knobs;
  if (!x || untrained(step, changed) || (result.stop && node >= result.stop.node)) return null;
  return {
    x, from: result.sizes[reads[0]!]!, to: result.sizes[makes[0]!]!,
    knob: (name) => pair(knobs, changed, name),
    weight: (name) => (name in step.weights ? weights.get(step.weights[name]!) : undefined),
    flag: (name) => knobs[name] === true,
  };
}

/** Every tensor's numbers, by the page's number of the tensor; null after what has no trained weights or does not fit. */
export function forward(input: Float32Array, changes: Changes, result: Result): (Float32Array | null)[] {
  const values: (Float32Array | null)[] = sent.model.tensors.map(() => null);
  values[sent.model.inputs[0]![0]] = input;
  sent.model.nodes.forEach(([, , makes], node) => {
    const work = workOf(node, values, changes, result);
    values[makes[0]!] = work && RUN[sent.steps[node]!.op]!(work);
  });
  return values;
}
