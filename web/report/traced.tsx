// Where does this cell look? Its rows and columns, followed back layer by layer to the image.

import { max, min } from "../core/trees";
import { trace } from "../core/reach";
import { called, cell, changes, isCall, model, outputOf, parents, rowOf, settled, sizes, sizeText, stop } from "./state";
import { Fragment, make } from "../view";

export function Traced() {
  if (!settled.value) return null;
  const { row, cell: picked } = settled.value, tensor = outputOf(row), shape = sizes.value[tensor]!, last = model.rows[row]![3] + model.rows[row]![4] - 1;
  const axes = min(2, max(0, shape.length - 2));
  if (stop.value && stop.value.node <= last) return <p>Nothing arrives here: an earlier layer does not fit.</p>;
  const here = picked.slice(2 - axes).map((n, i) => min(n, shape.at(i - axes)! - 1)), bands = trace(model, sizes.value, changes.value, tensor, here);
  const [input] = model.inputs, image = input && sizes.value[input[0]]!, seen = input && bands.get(input[0]);
  const steps = model.nodes.flatMap(([, , makes], node) => makes.flatMap((t) => (bands.has(t) && node <= last ? [{ node, t }] : []))).reverse();
  const few = steps.filter(({ t }, i) => i === 0 || words(t) !== words(steps[i - 1]!.t));
  function words(t: number): string {
    const band = bands.get(t)!, size = sizes.value[t]!;
    if (!band.spans.length) return "all numbers";
    return band.spans.map(([a, b], i) => {
      const n = size.at(i - band.spans.length)!, word = i === band.spans.length - 1 ? "column" : "row";
      const [from, to] = [max(0, a), min(n - 1, b)];
      return to < from ? `no ${word}` : from === 0 && to === n - 1 && n > 1 ? `all ${n} ${word}s` : from === to ? `${word} ${from}` : `${word}s ${from} to ${to}`;
    }).join(", ");
  }
  const name = called(row);
  const set = (i: number, n: number) => { if (Number.isInteger(n) && n >= 0) cell.value = i ? [cell.value[0], n] : [n, cell.value[1]]; };
  return (
    <>
      <p>
        Cell of <b>{name}</b>{axes > 0 ? ":" : " (it has no places any more: every number may see all of the image)."}
        {axes > 1 && <label> row <input type="number" min={0} max={shape.at(-2)! - 1} value={here[0]} onInput={(e) => set(0, e.currentTarget.valueAsNumber)} /></label>}
        {axes > 0 && <label> column <input type="number" min={0} max={shape.at(-1)! - 1} value={here.at(-1)} onInput={(e) => set(1, e.currentTarget.valueAsNumber)} /></label>}
        {parents[row]! < 0 && !isCall(model.rows[row]!) && " (the last layer of this part)"}
      </p>
      {input && seen && image!.length > 2 && (
        <div class="two">
          <Frame image={image!} spans={seen.spans} />
          <p role="status"><b>It sees {seen.exact ? "" : "at most "}{words(input[0])} of the image.</b>
            {seen.spans.length > 0 && seen.spans.some(([a, b], i) => a < 0 || b >= image!.at(i - seen.spans.length)!) && " The hatched part lies in the padding."}
            {!seen.exact && " Some call on the way may look at all of its input."}</p>
        </div>
      )}
      <ol class="chain">
        {few.slice(0, 40).map(({ node, t }) => <li><b>{called(rowOf(node))}</b> {words(t)} <small>of {sizeText(t)}</small></li>)}
        {few.length > 40 && <li>... {few.length - 40} more</li>}
        {input && seen && <li><b>{input[1]}</b> {words(input[0])}</li>}
      </ol>
    </>
  );
}

function Frame({ image, spans }: { image: number[]; spans: [number, number][] }) {
  const w = image.at(-1)!, h = spans.length > 1 ? image.at(-2)! : max(1, Math.round(w / 10));
  const [rows, columns] = spans.length > 1 ? [spans[0]!, spans[1]!] : [[0, h - 1], spans[0] ?? [0, w - 1]];
  const margin = max(0, -rows![0]!, -columns![0]!, rows![1]! - h + 1, columns![1]! - w + 1), unit = max(h, w) / 200;
  const box = { x: columns![0], y: rows![0], width: columns![1]! - columns![0]! + 1, height: rows![1]! - rows![0]! + 1 };
  return (
    <svg class="frame" viewBox={`${-margin - unit} ${-margin - unit} ${w + 2 * margin + 2 * unit} ${h + 2 * margin + 2 * unit}`} role="img" aria-label="The part of the image that is seen">
      <defs><pattern id="hatch" width={6 * unit} height={6 * unit} patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d={`M0 0v${6 * unit}`} stroke-width={2 * unit} /></pattern></defs>
      <rect class="in" width={w} height={h} />
      <rect class="outside" {...box} fill="url(#hatch)" />
      <rect class="inside" x={max(0, box.x!)} y={max(0, box.y!)} width={max(0, min(w, box.x! + box.width) - max(0, box.x!))} height={max(0, min(h, box.y! + box.height) - max(0, box.y!))} />
      <rect class="edge" {...box} />
    </svg>
  );
}
