// Formulas as text. The brackets and spaces are those of whyshape's Python writer; a test keeps both equal.

import { type Entry, isAxis, isNumber } from "./trees";

const STRENGTH: Record<string, number> = { "+": 1, "-": 1, neg: 1, "*": 2, "%": 2 };
const BINARY: Record<string, string> = { "+": " + ", "-": " - ", "*": "*", "%": " mod " };

/** A piece of a formula: plain text, or the number a leaf stands for (its tree is told). */
export type Piece = string | { tree: number; text: string };

/** A formula as pieces, so that each number can be pointed at; `leaf` writes a leaf's number. */
export function pieces(trees: Entry[], tree: number, leaf: (tree: number) => string): Piece[] {
  return write(tree)[0];

  function write(index: number): [Piece[], number] {
    const entry = trees[index]!;
    if (typeof entry === "number") return [[String(entry)], isNumber(entry) && entry < 0 ? 1 : 3];
    if (typeof entry === "string" || isAxis(entry)) {
      const text = leaf(index);
      return [[{ tree: index, text }], text.startsWith("-") ? 1 : 3];
    }
    const [op, a, b] = entry as [string, number, number];
    if (op === "//" || op === "ceil//") {
      const [above, strength] = write(a);
      return [[op === "//" ? "floor(" : "ceil(", ...(strength >= 3 ? above : ["(", ...above, ")"]), "/", ...bracket(b, 3), ")"], 3];
    }
    if (op === "min" || op === "max") return [[`${op}(`, ...write(a)[0], ", ", ...write(b)[0], ")"], 3];
    if (op === "scale") return [["floor(", ...bracket(a, 2), "*", String(Number((trees[b] as number).toPrecision(6))), ")"], 3];
    if (op === "neg") return [["-", ...bracket(a, 2)], 1];
    const strength = STRENGTH[op]!, right = bracket(b, strength + (op === "-" || op === "%" ? 1 : 0));
    const negative = plain(right).startsWith("-") ? ["(", ...right, ")"] : right;
    return [[...bracket(a, strength), BINARY[op]!, ...negative], strength];
  }

  function bracket(index: number, loosest: number): Piece[] {
    const [text, strength] = write(index);
    if (strength >= loosest) return text;
    return ["(", ...text.map((p) => (typeof p === "string" ? p.replaceAll(" ", "") : p)), ")"];
  }
}

export function plain(parts: Piece[]): string {
  return parts.map((p) => (typeof p === "string" ? p : p.text)).join("");
}

/** A formula's text token by token; `write` gets each, and for a bracket that closes the word it was opened with. */
function tokens(text: string, write: (token: string, opened?: string) => string): string {
  const open: string[] = [];
  return text.replace(/\s*([a-z]*\(|[a-z]+|[\d.]+|\S)\s*/g, (_, token: string) => {
    if (token.endsWith("(")) open.push(token);
    return write(token, token === ")" ? open.pop() : undefined);
  });
}

const ROUND: Record<string, string> = { "floor(": "floor", "ceil(": "ceil" };

/** `floor((12 - 5)/1) + 1 = 8` as LaTeX. */
export function latex(text: string): string {
  const told: Record<string, string> = { "*": " \\cdot ", mod: " \\bmod ", "min(": "\\min(", "max(": "\\max(" };
  return `\\[ ${tokens(text, (token, opened) => (ROUND[token] ? `\\left\\l${ROUND[token]} ` : ROUND[opened!] ? ` \\right\\r${ROUND[opened!]}` : told[token] ?? (/[-+=]/.test(token) ? ` ${token} ` : token)))} \\]`;
}

/** The same as MathML. */
export function mathml(text: string): string {
  const told: Record<string, string> = { "*": "\u00b7", "-": "\u2212", "floor(": "\u230a", "ceil(": "\u2308" }, closed: Record<string, string> = { "floor(": "\u230b", "ceil(": "\u2309" };
  const write = (token: string, opened?: string) => (/\d/.test(token) ? `<mn>${token}</mn>` : /^m..\($/.test(token) ? `<mi>${token.slice(0, 3)}</mi><mo>(</mo>` : `<mo>${closed[opened!] ?? told[token] ?? token}</mo>`);
  return `<math xmlns="http://www.w3.org/1998/Math/MathML">${tokens(text, write)}</math>`;
}

/** The same as a line of Python that fails where it is not true. */
export function python(text: string): string {
  return `assert ${text.replace(" = ", " == ").replaceAll(" mod ", " % ").replace(/\b(floor|ceil)\(/g, "math.$1(")}`;
}

/** 1234567 as 1,234,567. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count as a few letters: 21.8 k, 4.09 G. */
export function short(n: number): string {
  const [factor, letter] = n >= 1e12 ? [1e12, " T"] : n >= 1e9 ? [1e9, " G"] : n >= 1e6 ? [1e6, " M"] : n >= 1e4 ? [1e3, " k"] : [1, ""];
  const scaled = n / factor;
  return (factor === 1 ? grouped(n) : String(Number(scaled.toPrecision(3)))) + letter;
}

/** `1 map`, `3 maps`. */
export const count = (n: number, word: string): string => `${grouped(n)} ${word}${n === 1 ? "" : "s"}`;

/** Rising numbers as runs: `0 to 2, 5`; at most so many of them. */
export function runs(numbers: number[], most: number): string {
  const found: [number, number][] = [];
  for (const n of numbers) {
    const last = found.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else found.push([n, n]);
  }
  const text = found.slice(0, most).map(([a, b]) => (a === b ? `${a}` : `${a} to ${b}`)).join(", ");
  return found.length > most ? `${text} ...` : text;
}

/** `0, 1, 2, 5` as `rows 0 to 2, 5`. */
export function ranges(cells: number[], word: string): string {
  return `${word}${cells.length === 1 ? "" : "s"} ${runs([...cells].sort((a, b) => a - b), 3)}`;
}
