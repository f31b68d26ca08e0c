// Where does this cell look? Its rows and columns, followed back layer by layer to the image.

import { clamp, max, min } from "../core/trees";
import { trace } from "../core/reach";
import { Whole } from "./controls";
import { called, cell, changes, isCall, model, outputOf, parents, rowOf, seen, settled, sizes, sizeText, stop } from "./state";
import { Fragment, make } from "../view";

const MOST = 40; // steps that are told

export function Traced() {
  if (!settled.value) return null;
  const { row, cell: picked } = settled.value, data = model.rows[row]!, tensor = outputOf(row), shape = sizes.value[tensor]!, last = data[3] + data[4] - 1;
  const axes = clamp(shape.length - 2, 0, 2), word = axes > 1 ? "column" : "place";
  if (stop.value && stop.value.node <= last) return <p>Nothing arrives here: an earlier layer does not fit.</p>;
  const here = picked.slice(2 - axes).map((n, i) => min(n, shape.at(i - axes)! - 1)), bands = trace(model, sizes.value, changes.value, tensor, here);
  const [input] = model.inputs, image = input && sizes.value[input[0]]!, found = input && bands.get(input[0]);
  const words = (t: number): string => {
    const { spans } = bands.get(t)!, size = sizes.value[t]!;
    return spans.map(([a, b], i) => {
      const n = size.at(i - spans.length)!, word = spans.length < 2 ? "place" : i ? "column" : "row", [from, to] = [max(0, a), min(n - 1, b)];
      return to < from ? `no ${word}` : from === 0 && to === n - 1 && n > 1 ? `all ${n} ${word}s` : from === to ? `${word} ${from}` : `${word}s ${from} to ${to}`;
    }).join(", ") || "all numbers";
  };
  const steps: [row: number, words: string, t: number][] = [];
  const whole = () => /^(all [^,]*(, |$))+$/.test(steps.at(-1)?.[1] ?? ""); // then so does all that comes before
  for (let node = last; node >= 0 && steps.length <= MOST && !whole(); node--) {
    for (const t of model.nodes[node]![2]) if (bands.has(t) && words(t) !== steps.at(-1)?.[1]) steps.push([rowOf(node), words(t), t]);
  }
  const fields = axes > 1 ? seen.value[tensor] ?? [] : [], together = (key: "size" | "step") => fields.map((field) => field![key]).join(" x ");
  return (
    <>
      <p>
        Cell of <b>{called(row)}</b>{axes > 0 ? ":" : " (it has no places any more: every number may see all of the input)."}
        {axes > 1 && <label> row <Whole label="row" most={shape.at(-2)! - 1} now={here[0]!} set={(n) => (cell.value = [n, cell.value[1]])} /></label>}
        {axes > 0 && <label> {word} <Whole label={word} most={shape.at(-1)! - 1} now={here.at(-1)!} set={(n) => (cell.value = [cell.value[0], n])} /></label>}
        {parents[row]! < 0 && !isCall(data) && " (the last layer of this part)"}
      </p>
      {input && found && image!.length > 2 && (
        <div class="two">
          <Frame image={image!} spans={found.spans} />
          <p role="status"><b>It sees {found.exact ? "" : "at most "}{words(input[0])} of the input.</b>
            {found.spans.some(([a, b], i) => a < 0 || b >= image!.at(i - found.spans.length)!) && " The hatched part lies in the padding."}
            {!found.exact && " Some call on the way may look at all of its input."}
            {fields.length > 0 && fields.every(Boolean) && ` Every cell here sees ${together("size")} places; its neighbours look ${together("step")} further. The first begins at row ${-fields[0]!.start}, column ${-fields[1]!.start}.`}</p>
        </div>
      )}
      <ol class="chain">
        {steps.slice(0, MOST).map(([row, words, t]) => <li><b>{called(row)}</b> {words} <small>of {sizeText(t)}</small></li>)}
        {(steps.length > MOST || whole()) && <li>... and so on</li>}
        {input && found && <li><b>{input[1]}</b> {words(input[0])}</li>}
      </ol>
    </>
  );
}

/** The input as a frame, at most 200 units wide and high, and what is seen of it. */
function Frame({ image, spans }: { image: number[]; spans: [number, number][] }) {
  const w = image.at(-1)!, h = spans.length > 1 ? image.at(-2)! : max(1, Math.round(w / 10)), unit = 200 / max(h, w);
  const [rows, columns] = spans.length > 1 ? [spans[0]!, spans[1]!] : [[0, h - 1] as const, spans[0] ?? ([0, w - 1] as const)];
  const margin = max(0, -rows[0], -columns[0], rows[1] - h + 1, columns[1] - w + 1) * unit + 1;
  const box = (r0: number, r1: number, c0: number, c1: number) => ({ x: c0 * unit, y: r0 * unit, width: max(0, c1 - c0) * unit, height: max(0, r1 - r0) * unit });
  const seen = box(rows[0], rows[1] + 1, columns[0], columns[1] + 1);
  return (
    <svg class="frame" viewBox={`${-margin} ${-margin} ${w * unit + 2 * margin} ${h * unit + 2 * margin}`} role="img" aria-label="The part of the input that is seen">
      <rect class="in" {...box(0, h, 0, w)} />
      <rect class="pad" {...seen} />
      <rect class="inside" {...box(max(0, rows[0]), min(h, rows[1] + 1), max(0, columns[0]), min(w, columns[1] + 1))} />
      <rect class="edge" {...seen} />
    </svg>
  );
}
