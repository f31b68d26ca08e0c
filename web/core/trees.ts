// Evaluates the expression trees that Python sends. No rule stands here, only arithmetic.

export const { floor, max, min } = Math;

/** n, but neither below nor above. */
export const clamp = (n: number, low: number, high: number): number => max(low, min(n, high));

/** What `make` gives for 0, 1, 2, ... below n. */
export const upTo = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

export const isNumber = Number.isInteger;

/** A number, a knob's name, [slot, axis] of the call's inputs, or [operator, tree, ...] with trees as indices into the table. */
export type Entry = number | string | [number, number] | [string, ...number[]];
export type Knobs = Record<string, number>;
export type Condition = [relation: string, left: number, right: number];

/** Whether an entry is an axis of what the call reads. */
export const isAxis = (entry: Entry): entry is [number, number] => typeof (entry as number[])[0] === "number";

/** Whether an entry is worked out from others. */
export const isSum = (entry: Entry): boolean => Array.isArray(entry) && !isAxis(entry);

/** Division that rounds down, exact for whole numbers up to 2^53, as Python's `//`. */
function floorDiv(a: number, b: number): number {
  const q = floor(a / b), rest = a - q * b;
  return rest < 0 !== b < 0 && rest !== 0 ? q - 1 : Math.abs(rest) >= Math.abs(b) ? q + 1 : q;
}

const APPLY: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "//": floorDiv,
  "%": (a, b) => a - b * floorDiv(a, b),
  "ceil//": (a, b) => -floorDiv(-a, b),
  min,
  max,
  neg: (a) => -a,
  scale: (a, b) => floor(a * b),
};

const HOLDS: Record<string, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** The numbers of one call: its knobs and the sizes of what it reads. */
export class Numbers {
  constructor(readonly trees: Entry[], readonly sizes: number[][], readonly knobs: Knobs) {}

  value(tree: number): number {
    const entry = this.trees[tree]!;
    if (typeof entry === "number") return entry;
    if (typeof entry === "string") return this.knobs[entry]!;
    if (isAxis(entry)) return this.sizes[entry[0]]![entry[1]]!;
    const [operator, first, second] = entry as [string, number, number?];
    return APPLY[operator]!(this.value(first), second === undefined ? 0 : this.value(second));
  }

  holds([relation, left, right]: Condition): boolean {
    return HOLDS[relation]!(this.value(left), this.value(right));
  }

  product(trees: number[]): number {
    return trees.reduce((sum, tree) => sum * this.value(tree), 1);
  }
}
