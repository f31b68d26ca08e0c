// A number on the page: who decides it, and where it comes from, on hover, focus, click and Enter.

import { type Piece, pieces, plain } from "../core/text";
import { isAxis, max, min } from "../core/trees";
import { choose, lit, makers, model, numbersOf, path, rowOf, sizes, tip } from "./state";
import { make } from "../view";

/** What a knob or an axis is called, without its place: `kernel_size[0]` is kernel_size. */
export const base = (name: string): string => name.replace(/\[\d+\]$/, "");

export interface Told { text: string; by: "chosen" | "calculated" | "input" | "learned"; word: string; source?: number }

/** Who decides the number behind a leaf of a call's formula. */
export function told(node: number, tree: number): Told {
  const entry = model.trees[tree]!, [index, reads] = model.nodes[node]!, rule = model.rules[index]!;
  if (typeof entry === "string") {
    const name = base(entry), typed = rule.typed?.includes(entry);
    if (rule.task?.includes(entry)) return { text: `${name}: from the task, as many as there are answers`, by: "input", word: "from task" };
    return typed ? { text: `${name}: typed, must equal what arrives`, by: "chosen", word: "typed" } : { text: `${name}: you chose it`, by: "chosen", word: "chosen" };
  }
  if (!isAxis(entry)) return { text: "", by: "calculated", word: "=" };
  const tensor = reads[entry[0]]!, input = model.inputs.find(([t]) => t === tensor);
  const axis = axisWord(tensor, entry[1], rule.axes);
  if (input) return { text: `${axis} of the input ${input[1]}: fixed by what comes in`, by: "input", word: "from input" };
  const maker = makers.value.get(tensor) ?? -1;
  return { text: `${axis}: calculated in ${maker < 0 ? "the model" : path(rowOf(maker)) || "a call"}`, by: "calculated", word: "=", source: maker };
}

export function axisWord(tensor: number, axis: number, words?: string[]): string {
  const rank = sizes.value[tensor]!.length;
  return (words?.length === rank ? words[axis] : undefined) ?? `axis ${axis}`;
}

function show(event: Event, text: string, pinned = false): void {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  tip.value = { text, x: box.left, y: box.bottom, pinned };
}

export function Num({ node, tree, text }: { node: number; tree: number; text: string }) {
  const { by, word, text: words, source } = told(node, tree), entry = model.trees[tree]!;
  const name = typeof entry === "string" ? base(entry) : "";
  const full = `${text}. ${words}`;
  const point = (e: Event) => { lit.value = name; if (!tip.value?.pinned) show(e, full); };
  return (
    <button
      class={`n ${word === "typed" ? "typed" : by}${lit.value && lit.value === name ? " lit" : ""}`}
      onMouseEnter={point} onFocus={point}
      onMouseLeave={leave} onBlur={leave}
      onClick={(e) => (e.detail === 2 && source !== undefined && source >= 0 ? choose(rowOf(source)) : show(e, full, true))}
    >
      {text}<span class="sr"> ({words})</span>
    </button>
  );
}

function leave(): void {
  lit.value = "";
  if (!tip.value?.pinned) tip.value = null;
}

/** A formula with its numbers put in; each can be pointed at. */
export function Formula({ node, tree }: { node: number; tree: number }) {
  return <span class="formula" live={() => formula(node, tree).map((piece) => (typeof piece === "string" ? piece : <Num node={node} tree={piece.tree} text={piece.text} />))} />;
}

export function formula(node: number, tree: number): Piece[] {
  const at = numbersOf(node);
  return pieces(model.trees, tree, (leaf) => String(at.value(leaf)));
}

export const formulaText = (node: number, tree: number): string => plain(formula(node, tree));

export function Tip() {
  const now = tip.value;
  return (
    <div id="tip" role="tooltip" class={now ? "shown" : ""} style={{ left: `${max(8, min(now?.x ?? 0, innerWidth - 260))}px`, top: `${(now?.y ?? 0) + 4}px` }}>
      {now?.text}
      {now?.pinned && <small> Esc closes</small>}
    </div>
  );
}
