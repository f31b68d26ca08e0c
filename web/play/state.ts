// What the page shows now. Pixels and changes are the only inputs; sizes, maps and guesses follow from them.

import { computed, effect, signal } from "../core/signals";
import { type Changes, UNCHANGED, evaluate } from "../core/model";
import { base64, bytes, floats, sent } from "./data";
import { forward } from "./forward";

export const pixels = signal(new Uint8Array(28 * 28)); // what the network sees, before it is normalised
export const changes = signal<Changes>(UNCHANGED);
export const place = signal<{ node: number; at: number[] }>({ node: 0, at: [0, 0, 0] });
export const perMap = signal(false); // a colour scale for each map, not for each layer
export const pointed = signal<{ node: number; row: number; column: number } | null>(null);

export const result = computed(() => evaluate(sent.model, changes.value));
export const normal = computed(() => Float32Array.from(pixels.value, (v) => (v / 255 - sent.mean) / sent.std));
export const changed = computed(() => Object.keys(changes.value.knobs).length > 0);

/** PyTorch's own numbers for these pixels, where a server runs it; for the network as it is, without the page's changes. */
export const torch = signal<{ of: Uint8Array; values: (Float32Array | null)[] } | null>(null);
export const trouble = signal("");

export const values = computed((): (Float32Array | null)[] => {
  if (sent.runs) return forward(normal.value, changes.value, result.value);
  return changed.value || torch.value?.of !== pixels.value ? sent.model.tensors.map(() => null) : torch.value.values;
});

/** The last tensor's numbers: one score for each class. */
export const scores = computed(() => values.value[sent.model.outputs[0]!] ?? null);

export const share = computed(() => {
  if (!scores.value) return null;
  const most = Math.max(...scores.value), all = [...scores.value].map((v) => Math.exp(v - most)), sum = all.reduce((a, b) => a + b, 0);
  return all.map((v) => v / sum);
});

/** The largest difference between the page's numbers and PyTorch's, over all tensors; null where there is nothing to compare. */
export const gap = computed((): { most: number; numbers: number } | null => {
  if (!sent.runs || changed.value || torch.value?.of !== pixels.value) return null;
  let most = 0, numbers = 0;
  torch.value.values.forEach((theirs, tensor) => theirs?.forEach((v, i) => {
    most = Math.max(most, Math.abs(v - values.value[tensor]![i]!));
    numbers += 1;
  }));
  return { most, numbers };
});

/** Ask the server again when the pixels rest for a moment. */
export function askTorch(): void {
  let timer = 0;
  effect(() => {
    const of = pixels.value;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        const told = await post("forward", { pixels: base64(of) });
        torch.value = { of, values: (told.values as (string | null)[]).map((text) => (text === null ? null : floats(text))) };
        trouble.value = "";
      } catch (problem) {
        trouble.value = `Python does not answer (${(problem as Error).message}).`;
      }
    }, 150) as unknown as number;
  });
}

/** What Python says of the chosen number, for a network whose operators the page does not know; empty until it answers. */
export const explained = signal<{ of: unknown; told: Record<string, unknown> } | null>(null);
export function askWhy(): void {
  let timer = 0;
  effect(() => {
    const { node, at } = place.value, of = pixels.value, asked = [place.value, of];
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        explained.value = { of: asked, told: await post("explain", { pixels: base64(of), layer: sent.steps[node]!.path, at }) };
      } catch (problem) {
        explained.value = { of: asked, told: { error: (problem as Error).message } };
      }
    }, 150) as unknown as number;
  });
}

export async function post(what: string, question: unknown): Promise<Record<string, unknown>> {
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
