// A number on the page: who decides it, and where it comes from, on hover, focus, click and Enter.

import { type Piece, pieces, plain } from "../core/text";
import { roadOf } from "../core/model";
import { type Entry, clamp, isAxis, min } from "../core/trees";
import { called, changes, choose, element, lit, makers, model, numbersOf, rowOf, ruleOf, sizes, tip } from "./state";
import { make } from "../view";

/** What a knob or an axis is called, without its place: `kernel_size[0]` is kernel_size. */
export const base = (name: string): string => name.replace(/\[\d+\]$/, "");

/** `by` is how the number looks: what a search found is calculated, what the task decides comes from outside as an input does. */
export interface Told { by: "chosen" | "typed" | "calculated" | "input"; text: string; source?: number }

/** Who decides the number behind a leaf of a call's formula. */
export function told(node: number, tree: number): Told {
  const entry = model.trees[tree]!, [, reads] = model.nodes[node]!, rule = ruleOf(node);
  if (typeof entry === "string") {
    const name = base(entry), found = rule.found?.[entry];
    if (found && changes.value.knobs[node]?.[entry] === undefined) return { by: "calculated", text: `${name}: found, not typed: ${found}` };
    if (rule.task?.includes(entry)) return { by: "input", text: `${name}: from the task, as many as there are answers` };
    return rule.typed?.includes(entry) ? { by: "typed", text: `${name}: typed, must equal what arrives` } : { by: "chosen", text: `${name}: you chose it` };
  }
  if (!isAxis(entry)) return { by: "calculated", text: "" };
  const axis = axisWord(entry[1], rule.axes, sizes.value[reads[entry[0]]!]!.length);
  let [tensor, place] = [reads[entry[0]]!, entry[1]], source = makers.value[tensor], from: Entry | undefined;
  while (source !== undefined) { // past the calls that only pass it on
    const [, before, makes] = model.nodes[source]!, outs = (roadOf(ruleOf(source), numbersOf(source)) ?? ruleOf(source)).outs;
    from = model.trees[outs[makes.indexOf(tensor)]![place]!]!;
    if (!isAxis(from)) break;
    [tensor, place] = [before[from[0]]!, from[1]];
    source = makers.value[tensor];
  }
  const input = model.inputs.find(([t]) => t === tensor);
  if (input) return { by: "input", text: `${axis} of the input ${input[1]}: fixed by what comes in` };
  return { by: "calculated", text: `${axis}: ${typeof from === "string" ? "chosen" : "calculated"} in ${source === undefined ? "the model" : called(rowOf(source))}`, source };
}

/** What an axis is called, where there are words for all of them. */
export const axisWord = (axis: number, words?: string[], rank = words?.length): string => (words?.length === rank ? words?.[axis] : undefined) ?? `axis ${axis}`;

function show(event: Event, text: string, pinned = false): void {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  tip.value = { text, x: box.left, y: box.bottom, pinned };
}

export function Num({ node, tree, text }: { node: number; tree: number; text: string }) {
  const { by, text: words, source } = told(node, tree), entry = model.trees[tree]!;
  const name = typeof entry === "string" ? base(entry) : "";
  const full = `${text}. ${words}`;
  const point = (e: Event) => { lit.value = name; if (!tip.value?.pinned) show(e, full); };
  return (
    <button
      class={`n ${by}${lit.value && lit.value === name ? " lit" : ""}`}
      onMouseEnter={point} onFocus={point}
      onMouseLeave={leave} onBlur={leave}
      onClick={(e) => (e.detail === 2 && source !== undefined ? choose(rowOf(source)) : show(e, full, true))}
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
  if (now) Object.assign(element("tip")!.style, { left: `${clamp(now.x, 8, innerWidth - 260)}px`, top: `${min(now.y, innerHeight - 90) + 4}px` });
  return now && [now.text, now.pinned && <small> Esc closes</small>];
}
