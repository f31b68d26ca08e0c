// Panel 3: one output number, opened into the numbers it is made of.

import { Fragment, make } from "../view";
import { nameOf, sent } from "./data";
import { type Opened, type Part, type Term, flat, product, strongest, total, unflat, words } from "./number";
import { type Found, changed, found, gap, pixels, place, result, scores, torch } from "./state";

const TOLERANCE = 1e-5;
const show = (v: number): string => (v < 0 ? "" : "+") + v.toFixed(6);

function Picker() {
  const { node, at } = place.value, shape = result.value.sizes[sent.model.nodes[node]![2][0]!]!.slice(1);
  const axes = shape.length === 3 ? ["map", "row", "column"] : shape.length === 1 ? ["number"] : shape.map((_, i) => `axis ${i}`);
  const choose = (fresh: number): void => {
    const sizes = result.value.sizes[sent.model.nodes[fresh]![2][0]!]!.slice(1);
    place.value = { node: fresh, at: sizes.map((n, i) => Math.min(place.value.at[i] ?? 0, n - 1)) };
  };
  return (
    <div class="picker">
      <label>layer <select value={node} onChange={(e) => choose(+e.currentTarget.value)}>{sent.steps.map((_, i) => <option value={i}>{nameOf(i)}</option>)}</select></label>
      {shape.map((n, axis) => (
        <label>{axes[axis]} <input
          type="number" min={0} max={n - 1} value={at[axis]}
          onInput={(e) => { const v = +e.currentTarget.value; if (Number.isInteger(v) && v >= 0 && v < n) place.value = { node, at: at.map((old, i) => (i === axis ? v : old)) }; }}
        /> <small>0 to {n - 1}</small></label>
      ))}
    </div>
  );
}

/** The products of one map, as the window lies: each cell input times weight. */
function Grid({ part }: { part: Part }) {
  const rows = Array.from({ length: Math.ceil(part.terms.length / part.row) }, (_, r) => part.terms.slice(r * part.row, (r + 1) * part.row));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`products of ${part.name}`}>
      <table class="grid"><tbody>{rows.map((row) => <tr>{row.map((t) => (
        <td class={t.at ? "" : "pad"}>{t.at ? t.input.toFixed(3) : "pad"}<span>x {t.weight!.toFixed(3)}</span><b>{product(t).toFixed(3)}</b></td>
      ))}</tr>)}</tbody></table>
    </div>
  );
}

function Sum({ opened, before }: { opened: Opened; before: number }) {
  const [first] = opened.parts, many = opened.parts.reduce((n, p) => n + p.terms.length, 0);
  if (first!.name === "numbers") return <Contributions part={first!} before={before} />;
  const inside = first!.terms.flatMap((t) => (t.at ? [t.at] : [])), range = (axis: number): string => {
    const at = inside.map((i) => i[axis]!);
    return Math.min(...at) === Math.max(...at) ? ` ${at[0]}` : `s ${Math.min(...at)} to ${Math.max(...at)}`;
  };
  return (
    <>
      <p>{opened.parts.length} {opened.parts.length === 1 ? "map" : "maps"} x {first!.terms.length} places = {many} products, added to one number.
        {inside.length > 0 && ` The window covers row${range(1)}, column${range(2)}.`}</p>
      {opened.parts.map((part) => (
        <details key={part.name} open={opened.parts.length === 1}>
          <summary><span>{part.name}</span> <span>{part.terms.length} products</span> <code>{show(total(part))}</code></summary>
          <Grid part={part} />
        </details>
      ))}
      {opened.bias !== null && <p class="line"><span>bias</span> <code>{show(opened.bias)}</code></p>}
    </>
  );
}

/** Where a number of a flattened row stood before, by the call that made it. */
function origin(before: number, term: Term): string {
  if (before < 0) return "";
  const flattening = sent.model.nodes[before]!, read = result.value.sizes[flattening[1][0]!]!;
  return read.length > 2 ? ` = ${words(unflat(term.at![0]!, read.slice(1)))}` : "";
}

function Contributions({ part, before }: { part: Part; before: number }) {
  const { positive, negative, others, left } = strongest(part, 10);
  return (
    <>
      <p>All {part.terms.length} numbers are multiplied by a weight and added. The strongest:</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="strongest contributions">
        <table class="terms"><thead><tr><th scope="col">product</th><th scope="col">input x weight</th><th scope="col">which number</th></tr></thead>
          <tbody>
            {[...positive, ...negative].map((t) => <tr key={t.at![0]}><td>{show(product(t))}</td><td>{t.input.toFixed(3)} x {t.weight!.toFixed(3)}</td><td>{t.at![0]}{origin(before, t)}</td></tr>)}
            <tr><td>{show(others)}</td><td /><td>{left} others together</td></tr>
          </tbody></table>
      </div>
    </>
  );
}

function Window({ opened }: { opened: Opened }) {
  const [part] = opened.parts;
  return (
    <>
      <p>It reads {part!.terms.length} {part!.terms.length === 1 ? "number" : "numbers"}; {opened.note}.</p>
      <table class="terms"><tbody>{part!.terms.map((t, i) => (
        <tr key={i} class={t === opened.winner ? "won" : ""}><td>{show(t.input)}</td><td>{words(t.at!)}</td><td>{t === opened.winner ? "wins" : ""}</td></tr>
      ))}</tbody></table>
    </>
  );
}

/** What both say: the sum here, and what was computed elsewhere. */
function Verdict({ opened, beside: { by, says } }: Found) {
  const scale = Math.max(Math.abs(opened.result), ...opened.parts.flatMap((p) => p.terms.map((t) => Math.abs(product(t)))));
  return (
    <p id="verdict" role="status">this sum says <b>{opened.result.toFixed(6)}</b>, {by} says <b>{says.toFixed(6)}</b>
      {by === "PyTorch" && `: ${Math.abs(says - opened.result) <= TOLERANCE * scale ? "equal" : "NOT EQUAL"} (to 1e-5 of the largest product)`}
    </p>
  );
}

function Checked() {
  if (torch.value && "refused" in torch.value) return <p class="note" role="alert">Python does not answer ({torch.value.refused}).</p>;
  if (gap.value) return <p class="note">PyTorch ran the same pixels: over {gap.value.numbers} numbers the largest difference is {gap.value.most.toExponential(1)}.</p>;
  const sample = sent.samples.find((s) => atob(s.pixels) === String.fromCharCode(...pixels.value)), given = scores.value;
  if (!sample || !given || changed.value) return null;
  const most = Math.max(...sample.scores.map((v, i) => Math.abs(v - given[i]!)));
  return <p class="note">PyTorch's ten scores for this sample came with the page: the largest difference is {most.toExponential(1)}.</p>;
}

export function One() {
  return (
    <>
      <h2 id="one-h">3. One number</h2>
      <Picker />
      {typeof found.value === "string" ? <p class="note">{found.value}</p> : <Shown {...found.value} />}
      <Checked />
    </>
  );
}

function Shown({ opened, beside }: Found) {
  const { node, at } = place.value, [, reads, makes] = sent.model.nodes[node]!, shape = result.value.sizes[makes[0]!]!.slice(1);
  const before = sent.model.nodes.findIndex(([, , made]) => made[0] === reads[0]), after = sent.model.nodes.findIndex(([, read]) => read[0] === makes[0]);
  const flattened = shape.length > 1 && after >= 0 && result.value.sizes[sent.model.nodes[after]![2][0]!]!.length === 2;
  return (
    <>
      <h3>{nameOf(node)}, {words(at)} = <output>{opened.result.toFixed(4)}</output></h3>
      {opened.kind === "sum" ? <Sum opened={opened} before={before >= 0 && /flatten|view|reshape/.test(sent.steps[before]!.op) ? before : -1} />
        : opened.kind === "function" || opened.kind === "copied" ? <p>{opened.note}{opened.kind === "function" ? ` = ${opened.result.toFixed(4)}` : ""}; comes from {words(opened.parts[0]!.terms[0]!.at!)}.</p>
          : <Window opened={opened} />}
      {opened.kind === "sum" && opened.parts[0]!.name === "numbers" && opened.bias !== null && <p class="line"><span>bias</span> <code>{show(opened.bias)}</code></p>}
      {flattened && <p>flatten puts it at {at.map((i, axis) => `${i}*${shape.slice(axis + 1).reduce((a, b) => a * b, 1)}`).join(" + ").replace(/\*1$/, "")} = {flat(at, shape)}.</p>}
      <Verdict opened={opened} beside={beside} />
    </>
  );
}
