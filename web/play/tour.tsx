// The guided tour: seven steps, text and page move together, each with a box to predict before seeing.

import { computed, signal } from "../core/signals";
import { make } from "../view";
import { type Lesson, lessons } from "./lesson";
import { changes, place, reset, turn } from "./state";
import { nameOf, sent } from "./data";

const step = signal(-1), given = signal(""), seen = signal(false);
const all = computed(() => lessons());

function go(to: number): void {
  step.value = to < all.value.length ? to : -1;
  given.value = "";
  seen.value = false;
  const lesson = all.value[step.value];
  if (Object.keys(changes.value.knobs).length) reset();
  if (!lesson) return;
  queueMicrotask(() => document.getElementById("tour-h")?.focus()); // once the step is drawn
  place.value = { node: lesson.node, at: sent.model.shapes[sent.model.tensors[sent.model.nodes[lesson.node]![2][0]!]!]!.slice(1).map(() => 0) };
}

function check(lesson: Lesson): void {
  seen.value = true;
  if (lesson.change) turn(sent.steps.findIndex((_, node) => nameOf(node) === "conv.conv_1"), lesson.change);
}

function feedback(lesson: Lesson): string {
  const said = given.value.trim();
  if (!said) return lesson.because;
  const value = Number(said);
  if (value === lesson.answer) return `Yes. ${lesson.because}`;
  const slip = lesson.slips.find((s) => s.value === value);
  return `${slip ? slip.says : `Not ${said}.`} ${lesson.because}`;
}

export function Tour() {
  const at = step.value, lesson = all.value[at];
  if (!all.value.length) return null;
  if (!lesson) return <p class="tour closed"><button onClick={() => go(0)}>Take the tour</button> seven steps, five minutes; each asks you to predict first</p>;
  return (
    <section class="tour" aria-labelledby="tour-h" onKeyDown={(e) => { if (e.key === "Escape") go(all.value.length); }}>
      <h2 id="tour-h" tabIndex={-1} onKeyDown={(e) => { if (e.key === " " || e.key === "Enter") { e.preventDefault(); go(at + 1); } }}>
        {at + 1} of {all.value.length}: {lesson.title}
      </h2>
      <p>{lesson.says}</p>
      <form onSubmit={(e) => { e.preventDefault(); check(lesson); }}>
        <label>{lesson.asks} <input inputMode="numeric" autocomplete="off" value={given.value} onInput={(e) => { given.value = e.currentTarget.value; seen.value = false; }} /></label>
        <button type="submit">See</button>
      </form>
      <p role="status" class={seen.value ? "feedback" : ""}>{seen.value ? feedback(lesson) : ""}</p>
      <p class="tools">
        <button onClick={() => go(at - 1)} disabled={at === 0}>Back</button>
        <button onClick={() => go(at + 1)}>{at + 1 < all.value.length ? "Next" : "Done"}</button>
        <button onClick={() => go(all.value.length)}>Leave the tour</button>
      </p>
    </section>
  );
}
