// The weights of a layer: how many there are, how they are stored, and what that shape looks like.

import { clamp, floor, max, upTo } from "../core/trees";
import { grouped } from "../core/text";
import { base } from "./number";
import { model, numbersOf, ruleOf } from "./state";
import { Fragment, make } from "../view";

export function Weights({ node }: { node: number }) {
  const at = numbersOf(node), trees = ruleOf(node).params, shapes = trees.map((shape) => shape.map((tree) => at.value(tree)));
  return (
    <>
      <p>{shapes.map((shape) => shape.join("*")).join(" + ")} = <b>{grouped(shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0))}</b>, <span class="learned">learned</span>.
        {" "}Stored as {shapes.map((shape) => `(${shape.join(", ")})`).join(" and ")}.{!model.nodes[node]![3] && " These weights are another layer's too and are counted there."}</p>
      {shapes.map((shape, i) => shape.length > 1 && <Blocks shape={shape} trees={trees[i]!} />)}
    </>
  );
}

const WIDE = 360, HIGH = 120; // px that the blocks may take
const COUNTS: Record<string, string> = { out_channels: "map it makes", in_channels: "map it reads", out_features: "number it makes", in_features: "number it reads" };

/** What an axis of stored weights counts, as the knob it comes from says. */
function counted(tree: number, line: string): string {
  const entry = model.trees[tree]!, knob = model.trees[Array.isArray(entry) ? (entry[1] as number) : tree]!, word = typeof knob === "string" && COUNTS[base(knob)];
  return word ? `, a ${line} for each ${word}` : "";
}

/** A block for each kernel and map, in rows and columns as they are stored, as many as there is room for. */
function Blocks({ shape, trees }: { shape: number[]; trees: number[] }) {
  const [rows, columns, ...kernel] = shape as [number, number, ...number[]], w = kernel.at(-1) ?? 1, h = kernel.at(-2) ?? 1;
  // Numbers large enough to be seen; smaller where only so all rows have room.
  const gap = kernel.length && 4, side = clamp(floor((HIGH / rows - gap) / h), clamp(floor(40 / max(h, w)), 2, 4), clamp(floor(40 / max(h, w)), 2, 8)), [wide, high] = [w * side, h * side];
  const r = clamp(floor(HIGH / (high + gap)), 1, rows), c = clamp(floor(WIDE / (wide + gap)), 1, columns);
  const each = (draw: (x: number, y: number) => string) => upTo(r * c, (i) => draw((i % c) * (wide + gap) + 1, floor(i / c) * (high + gap) + 1)).join("");
  const words = `${rows} x ${columns} ${kernel.length ? `blocks of ${kernel.join(" x ")}` : "numbers"}${counted(trees[0]!, "row")}${counted(trees[1]!, "column")}`;
  const [right, bottom] = [c * (wide + gap) + 2, r * (high + gap) + 2];
  return (
    <figure class="blocks">
      <svg role="img" aria-label={words} width={right + 18} viewBox={`0 0 ${right + 18} ${bottom + 8}`}>
        <path class="kernel" d={each((x, y) => `M${x} ${y}h${wide}v${high}h${-wide}z`)} />
        {side > 2 && <path class="lines" d={each((x, y) => upTo(w - 1, (i) => `M${x + (i + 1) * side} ${y}v${high}`).join("") + upTo(h - 1, (i) => `M${x} ${y + (i + 1) * side}h${wide}`).join(""))} />}
        {c < columns && <text x={right} y={12}>...</text>}
        {r < rows && <text x={2} y={bottom + 5}>...</text>}
      </svg>
      <figcaption>{words}{r * c < rows * columns && ` (${r} x ${c} of them drawn)`}.</figcaption>
    </figure>
  );
}
