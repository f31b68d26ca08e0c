// What the page shows now. Pixels and changes are the only inputs; sizes, maps and guesses follow from them.

import { computed, effect, signal } from "../core/signals";
import { type Changes, UNCHANGED, evaluate } from "../core/model";
import { base64, bytes, floats, sent } from "./data";
import { forward } from "./forward";
import { type Opened, flat, open, received } from "./number";

export const pixels = signal(new Uint8Array(28 * 28)); // what the network sees, before it is normalised
export const changes = signal<Changes>(UNCHANGED);
export const place = signal<{ node: number; at: number[] }>({ node: 0, at: [0, 0, 0] });
export const perMap = signal(false); // a colour scale for each map, not for each layer
export const pointed = signal<{ node: number; row: number; column: number } | null>(null);

export const result = computed(() => evaluate(sent.model, changes.value));
export const normal = computed(() => Float32Array.from(pixels.value, (v) => (v / 255 - sent.mean) / sent.std));
export const changed = computed(() => Object.keys(changes.value.knobs).length > 0);

type Answer<T> = { told: T } | { refused: string };

/** What Python says to a question that follows from what is shown. No answer outlives its question: null until this very one is answered. */
function asked<T>(what: string, question: { readonly value: object }, read: (told: any) => T): { readonly value: Answer<T> | null; begin: () => void } {
  const last = signal<{ to: object; answer: Answer<T> } | null>(null);
  let timer = 0;
  return {
    get value() { return last.value?.to === question.value ? last.value.answer : null; },
    begin: () => void effect(() => {
      const to = question.value;
      clearTimeout(timer);
      timer = setTimeout(async () => { // once what is shown rests for a moment
        const answer = await post(what, to).then((told) => ({ told: read(told) }), (problem: Error) => ({ refused: problem.message }));
        if (to === question.value) last.value = { to, answer };
      }, 150) as unknown as number;
    }),
  };
}

/** PyTorch's own numbers, tensor by tensor, where a server runs it; for the network as it is, without the page's changes. */
export const torch = asked("forward", computed(() => ({ pixels: base64(pixels.value) })), (told): (Float32Array | null)[] =>
  told.values.map((text: string | null) => text && floats(text)));

/** The chosen number as Python opens it, for a network whose operators the page does not know. */
export const explained = asked("explain", computed(() => ({ pixels: base64(pixels.value), layer: sent.steps[place.value.node]!.path, at: place.value.at })), (told) =>
  ({ opened: received(told), torch: told.torch as number }));

const theirs = computed(() => (!changed.value && torch.value && "told" in torch.value ? torch.value.told : null));

/** Why numbers are missing, where they are. */
export const missing = computed(() =>
  sent.runs || changed.value ? "not trained for this: sizes only" : torch.value ? "Python gave no numbers" : "Python is asked ...");

/** Every tensor's numbers; null where none are known. */
export const values = computed((): (Float32Array | null)[] =>
  (sent.runs ? forward(normal.value, changes.value, result.value) : theirs.value ?? sent.model.tensors.map(() => null)));

/** The last tensor's numbers: one score for each class. */
export const scores = computed(() => values.value[sent.model.outputs[0]!] ?? null);

export const share = computed(() => {
  if (!scores.value) return null;
  const most = Math.max(...scores.value), all = [...scores.value].map((v) => Math.exp(v - most)), sum = all.reduce((a, b) => a + b, 0);
  return all.map((v) => v / sum);
});

/** The largest difference between the page's numbers and PyTorch's, over all tensors; null where there is nothing to compare. */
export const gap = computed((): { most: number; numbers: number } | null => {
  if (!sent.runs || !theirs.value) return null;
  let most = 0, numbers = 0;
  theirs.value.forEach((own, tensor) => {
    const ours = values.value[tensor];
    if (ours) own?.forEach((v, i) => {
      most = Math.max(most, Math.abs(v - ours[i]!));
      numbers += 1;
    });
  });
  return { most, numbers };
});

/** One number opened, and what was computed for it elsewhere: by PyTorch, or where it is not at hand by the page's own forward. */
export interface Found { opened: Opened; beside: { by: "PyTorch" | "the page's own forward"; says: number } }

/** The chosen number, or in words why it is not shown. */
export const found = computed((): Found | string => {
  const { node, at } = place.value, tensor = sent.model.nodes[node]![2][0]!, shape = result.value.sizes[tensor]!.slice(1);
  if (at.length !== shape.length || at.some((i, axis) => i >= shape[axis]!)) return "After the change there is no such place.";
  if (sent.runs) {
    const ours = values.value[tensor], opened = ours && open(node, at, values.value, changes.value, result.value), index = flat(at, shape), own = theirs.value?.[tensor];
    return opened ? { opened, beside: own ? { by: "PyTorch", says: own[index]! } : { by: "the page's own forward", says: ours[index]! } } : CLOSED;
  }
  if (changed.value) return CLOSED;
  const answer = explained.value;
  if (!answer) return "Python is asked ...";
  return "refused" in answer ? answer.refused : { opened: answer.told.opened, beside: { by: "PyTorch", says: answer.told.torch } };
});
const CLOSED = "This number cannot be opened here: what comes in is not known, or the page does not know this operator.";

async function post(what: string, question: object): Promise<Record<string, unknown>> {
  const answer = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

export function turn(node: number, knobs: Record<string, number>): void {
  changes.value = { ...changes.value, knobs: { ...changes.value.knobs, [node]: { ...changes.value.knobs[node], ...knobs } } };
}

export const reset = (): void => void (changes.value = UNCHANGED);
export const sampleOf = (index: number): Uint8Array<ArrayBuffer> => bytes(sent.samples[index]!.pixels);
