// What Python sends about a model, and what follows from it when knobs or the input change.

import { type Condition, type Entry, type Knobs, Numbers, isNumber, upTo } from "./trees";

export type { Knobs };

export type Named = number | string | Named[];
export type Demand = [...Condition, sentence: number, named: Record<string, Named>];
export type Window = [size: number, stride: number, before: number, dilation: number, after: number];

/** One way through a rule: what it makes and demands while its conditions hold. */
export interface Road { outs: number[][]; needs?: Demand[]; holds?: Condition[] }

/** One way of deriving sizes, shared by all calls that are derived alike. All numbers but knobs are trees. */
export interface Rule extends Road {
  op: string;
  title?: string;
  axes?: string[];
  roads?: Road[]; // other ways through the rule, for numbers under which it branches differently
  knobs?: Knobs;
  params: number[][];
  macs?: number;
  reach?: "same" | "all" | Record<string, Window | "adaptive">;
  padded?: string; // what the cells that padding adds count as
  measured?: string;
  typed?: string[]; // knobs that must equal what arrives
  ties?: number[]; // demands that tie such a knob to what arrives
  task?: string[]; // knobs that the task decides: as many as there are answers
  found?: Record<string, string>; // knobs nobody typed: how each was found
}

export type Call = [rule: number, reads: number[], makes: number[], own: number, words: number];
export type Row = [depth: number, name: string, type: string, first: number, count: number, times: number, kids: number];

export interface Model {
  schema: string;
  title: string;
  training: boolean;
  trees: Entry[];
  sentences: string[];
  words: Record<string, number[]>[];
  shapes: number[][];
  tensors: number[];
  inputs: [tensor: number, name: string][];
  outputs: number[];
  rules: Rule[];
  nodes: Call[];
  branches: Condition[];
  rows: Row[];
  totals: [learned: number, macs: number]; // as it was read
  differs: Record<string, string[]>; // settings in which the repetitions of a row differ
  pictures: Record<string, { at: [number, number][]; edges: number[][] }>;
  problem?: { sentence: string; path: string; type: string; op: string };
  chain: number[]; // rows that the data passes on its way
  bars: number[]; // rows whose sums are compared
  fits: string; // the exact set of sizes, or why no map of them is drawn
}

/** What was changed in the page: sizes of inputs by tensor, knobs by call. */
export interface Changes { inputs: Record<number, number[]>; knobs: Record<number, Knobs> }

/** Where the sizes stop to fit. `known` is false where the formula itself no longer covers the new numbers. */
export interface Stop { node: number; sentence: string; demand?: Demand; known: boolean }

export interface Result { sizes: number[][]; stop?: Stop }

export const UNCHANGED: Changes = { inputs: {}, knobs: {} };
const ELSEWHERE = "With these numbers the model's code or PyTorch takes another road than the one that was read. Read the model again to know.";

/** The calls that one row tells for, the first of them first: a folded row stands for all its repetitions. */
export function repeats(model: Model, node: number): number[] {
  const steps: [times: number, length: number][] = [];
  for (const [, , , first, count, times] of model.rows) {
    if (times < 2 || node < first || node >= first + count) continue;
    steps.unshift([times, count / times]);
    node = first + ((node - first) % (count / times));
  }
  return steps.reduce((nodes, [times, length]) => upTo(times, (i) => nodes.map((at) => at + i * length)).flat(), [node]);
}

/** The changes with knobs of a call turned too, in all its repetitions. */
export function turned(model: Model, changes: Changes, node: number, knobs: Knobs): Changes {
  const all = { ...changes.knobs };
  for (const at of repeats(model, node)) all[at] = { ...all[at], ...knobs };
  return { ...changes, knobs: all };
}

/** The numbers of one call under the sizes and changes given. */
export function numbers(model: Model, sizes: number[][], node: number, changes: Changes): Numbers {
  const [rule, reads] = model.nodes[node]!, knobs = model.rules[rule]!.knobs ?? {}, turned = changes.knobs[node];
  return new Numbers(model.trees, reads.map((t) => sizes[t]!), turned ? { ...knobs, ...turned } : knobs);
}

/** Every size of the model, up to the first call whose demand fails. Calls from `from` on are asked again; earlier sizes are kept. */
export function evaluate(model: Model, changes: Changes, from = 0, before?: number[][]): Result {
  const sizes = before ? before.slice() : model.tensors.map((shape) => model.shapes[shape]!);
  for (const [tensor, shape] of Object.entries(changes.inputs)) sizes[+tensor] = shape;
  for (let node = from; node < model.nodes.length; node++) {
    const [index, reads, makes] = model.nodes[node]!, rule = model.rules[index]!;
    if (rule.measured !== undefined && reads.some((t) => `${sizes[t]}` !== `${model.shapes[model.tensors[t]!]}`)) {
      return { sizes, stop: { node, sentence: `No formula is known for ${rule.op} here; what it makes of other sizes was not observed`, known: false } };
    }
    const at = numbers(model, sizes, node, changes);
    const road = roadOf(rule, at);
    for (const demand of (road ?? rule).needs ?? []) {
      if (!at.holds(demand as unknown as Condition)) {
        return { sizes, stop: { node, sentence: fill(model.sentences[demand[3]]!, demand[4], at), demand, known: true } };
      }
    }
    if (!road) return { sizes, stop: { node, sentence: ELSEWHERE, known: false } };
    makes.forEach((tensor, i) => (sizes[tensor] = road.outs[i]!.map((tree) => at.value(tree))));
  }
  const whole = new Numbers(model.trees, sizes, {});
  if (!model.branches.every((condition) => whole.holds(condition))) {
    return { sizes, stop: { node: model.nodes.length, sentence: ELSEWHERE, known: false } };
  }
  return { sizes };
}

/** The way through a rule that these numbers take; undefined where none that was read fits them. */
export function roadOf(rule: Rule, at: Numbers): Road | undefined {
  return [rule, ...(rule.roads ?? [])].find((road) => !road.holds?.some((condition) => !at.holds(condition)));
}

/** A refusal's sentence with its numbers put in: `{wanted:maps are|map is}` is "3 maps are", and "1 map is". */
export function fill(sentence: string, named: Record<string, Named>, at: Numbers): string {
  const text = (value: Named): string =>
    Array.isArray(value) ? `(${value.map(text).join(", ")}${value.length === 1 ? "," : ""})` : typeof value === "string" ? value : String(at.value(value));
  return sentence.replace(/\{(\w+)(!r)?(?::(.*?)\|(.*?))?\}/g, (_, name: string, quoted?: string, many?: string, one?: string) => {
    const value = named[name]!, told = text(value);
    return quoted ? `'${told}'` : many ? `${told} ${typeof value === "number" && told === "1" ? one : many}` : told;
  });
}

/** The learned numbers of a call whose weights are its own, else 0. */
export function parameters(model: Model, at: Numbers, node: number): number {
  const [rule, , , own] = model.nodes[node]!;
  return own ? model.rules[rule]!.params.reduce((sum, shape) => sum + at.product(shape), 0) : 0;
}

/** Changes of one knob that make a failing demand hold and let the whole model run (in all repetitions of the call): found by asking all later calls again. */
export function repairs(model: Model, changes: Changes, stop: Stop, sizes: number[][]): { node: number; knob: string; value: number }[] {
  if (!stop.demand) return [];
  const at = numbers(model, sizes, stop.node, changes);
  const [relation, left, right] = stop.demand;
  const wanted = [at.value(left), at.value(right)];
  const found: { node: number; knob: string; value: number }[] = [];
  for (const [knob, now] of Object.entries(at.knobs)) {
    const tries = relation === "==" ? [...wanted, ...wanted.flatMap((a) => wanted.map((b) => (now * a) / b))] : [now - 1, now + 1, now - 2, now + 2, 1];
    for (const value of new Set(tries)) {
      if (!isNumber(value) || value < (knob.startsWith("padding") ? 0 : 1) || value === now) continue;
      if (!evaluate(model, turned(model, changes, stop.node, { [knob]: value }), repeats(model, stop.node)[0], sizes).stop) {
        found.push({ node: stop.node, knob, value });
        break;
      }
    }
  }
  return found;
}
