// One layer: the slots SIZE, MAPS, WEIGHTS, NOTE; its knobs; its window at work; its numbers to copy.

import { signal } from "../core/signals";
import { type Condition, type Knobs, isAxis, isSum, floor, max } from "../core/trees";
import { repairs, repeats, roadOf } from "../core/model";
import { grouped, latex, mathml, python } from "../core/text";
import { Formula, base, formulaText, told } from "./number";
import { field, toggle } from "./list";
import { called, changes, choose, chosen, isCall, model, numbersOf, open, outputOf, parents, path, result, rowOf, ruleOf, setKnobs, sizes, sizeText, stop, sums, touched, whole } from "./state";
import { Walk } from "./walk";
import { Picture } from "./picture";
import { Fragment, make } from "../view";

export function Card() {
  return <article id="card" tabIndex={-1} aria-label="Chosen layer" live={Inside} />;
}

function Inside() {
  const row = chosen.value, data = model.rows[row]!, [, , type, first, count, times] = data;
  const node = isCall(data) ? first : -1, total = (table: Float64Array) => table[first + count]! - table[first]!;
  return (
    <>
      <h3>{called(row)} <small>{type}</small></h3>
      <p class="flow">
        {node >= 0 && <>{model.nodes[node]![1].map((t) => sizeText(t)).join(" and ")} {"->"} </>}
        <b>{(stop.value?.node ?? Infinity) < first + count ? "-" : sizeText(outputOf(row))}</b>
        {times > 1 && ` This row stands for ${times} alike blocks.`}{model.differs[row] && ` They differ in: ${model.differs[row].join("; ")}.`}
      </p>
      {stop.value && stop.value.node >= first && stop.value.node < first + count && <Refusal />}
      {node >= 0 ? <Slots node={node} key={node} /> : (
        <>
          <p>{grouped(total(sums.value.weights))} learned numbers, {grouped(total(sums.value.work))} multiply-adds.{field(row) && ` One output cell sees ${field(row)} of the image.`}</p>
          <Picture row={row} />
          <button onClick={() => toggle(row)}>{open.value.has(row) ? "Close" : "Open"} its parts in the list</button>
        </>
      )}
      {parents[row]! >= 0 && <p><button class="link" onClick={() => choose(parents[row]!)}>up to {path(parents[row]!)}</button></p>}
    </>
  );
}

/** Why it does not fit, and single changes after which the whole model runs again (each was tried). */
export function Refusal() {
  const at = stop.value!;
  if (at.node >= model.nodes.length) return <p class="refusal" role="alert">{at.sentence}</p>;
  const row = rowOf(at.node), fixes = repairs(model, changes.value, at, result.value.sizes);
  return (
    <div class="refusal" role="alert">
      <strong>{called(row)} {at.known ? "does not fit" : "cannot be told"}:</strong> {at.sentence}.
      {fixes.map(({ node, knob, value }) => (
        <button onClick={() => setKnobs(node, { [knob]: value })}>set {base(knob)} to {value}: then all layers fit</button>
      ))}
    </div>
  );
}

function Slots({ node }: { node: number }) {
  const [index, , makes] = model.nodes[node]!, rule = model.rules[index]!;
  const shapes = (roadOf(rule, numbersOf(node)) ?? rule).outs;
  if (rule.measured !== undefined) {
    return <p class="slot"><b>SIZE</b> {rule.op} gave {sizeText(makes[0]!)} when run. This is an observation, not a derivation: {rule.measured}.</p>;
  }
  const words = touched.value ? undefined : model.words[model.nodes[node]![4]], channels = rule.axes?.indexOf("channels") ?? -1;
  const said = (slot: string) => words?.[slot]?.map((sentence) => <p>{model.sentences[sentence]}</p>);
  const axes = alike(node, shapes[0] ?? []).filter(({ places }) => !places.includes(channels) && places[0] !== 0);
  return (
    <>
      <div class="slot"><b>SIZE</b>
        <div>{axes.map(({ places, tree }) => <Axis node={node} words={places.map((i) => rule.axes?.[i] ?? `axis ${i}`)} tree={tree} />)}
          {axes.length === 0 && <p>unchanged</p>}
          {said("SIZE")}
          {typeof rule.reach === "object" && axes.length > 0 && <WhyPlusOne node={node} />}</div>
      </div>
      {channels >= 0 && <div class="slot"><b>MAPS</b><div><p><Formula node={node} tree={shapes[0]![channels]!} /> {words?.MAPS ? "" : who(node, shapes[0]![channels]!)}</p>{said("MAPS")}</div></div>}
      {rule.params.length > 0 && <div class="slot"><b>WEIGHTS</b><div><Weights node={node} />{said("WEIGHTS")}</div></div>}
      {words && Object.keys(words).filter((slot) => !["SIZE", "MAPS", "WEIGHTS"].includes(slot)).map((slot) => <div class="slot"><b>{slot}</b><div>{said(slot)}</div></div>)}
      <Needs node={node} />
      {whole.value && <><KnobBox node={node} /><Walk node={node} /><Copies node={node} /></>}
    </>
  );
}

/** Axes whose formulas read the same are told once: height and width. */
function alike(node: number, shape: number[]): { places: number[]; tree: number }[] {
  const found = new Map<string, { places: number[]; tree: number }>();
  shape.forEach((tree, place) => {
    const key = isAxis(model.trees[tree]!) ? `same ${place === 0}` : formulaText(node, tree), seen = found.get(key);
    if (seen && place > 1) seen.places.push(place);
    else found.set(seen ? `${key} ${place}` : key, { places: [place], tree });
  });
  return [...found.values()];
}

function Axis({ node, words, tree }: { node: number; words: string[]; tree: number }) {
  return (
    <p class="axis"><span class="word">{words.join(" and ")}:</span> <Formula node={node} tree={tree} />{isSum(model.trees[tree]!) ? <> = <b>{numbersOf(node).value(tree)}</b></> : ` ${who(node, tree)}`}</p>
  );
}

function who(node: number, tree: number): string {
  const { word, text } = told(node, tree);
  if (word === "=") return isAxis(model.trees[tree]!) ? "unchanged" : "";
  return text ? `(${text})` : "";
}

function Weights({ node }: { node: number }) {
  const [index, , , own] = model.nodes[node]!, at = numbersOf(node);
  const shapes = model.rules[index]!.params.map((shape) => shape.map((tree) => at.value(tree)));
  const sum = shapes.reduce((all, shape) => all + shape.reduce((a, b) => a * b, 1), 0);
  return (
    <p>{shapes.map((shape) => (shape.length > 1 ? shape.join("*") : shape[0])).join(" + ")} = <b>{grouped(sum)}</b>, <span class="learned">learned</span>.
      {" "}Stored as {shapes.map((shape) => `(${shape.join(", ")})`).join(" and ")}.{!own && " These weights are another layer's too and are counted there."}</p>
  );
}

/** Whether an expression rests on a knob, or on a size that arrives. */
function reads(tree: number, knob: boolean): boolean {
  const entry = model.trees[tree]!;
  if (!isSum(entry)) return knob ? typeof entry === "string" : isAxis(entry);
  return ((entry as unknown[]).slice(1) as number[]).some((part) => reads(part, knob));
}

/** The demands that tie a typed number to what arrives. */
function Needs({ node }: { node: number }) {
  const rule = ruleOf(node), at = numbersOf(node);
  const equal = (rule.needs ?? []).filter(([relation, left, right]) => relation === "==" && reads(left, false) && !reads(left, true) && reads(right, true) && !reads(right, false));
  if (!equal.length) return null;
  return (
    <ul class="needs">
      {equal.map((demand) => {
        const [, left, right] = demand, ok = at.holds(demand as unknown as Condition);
        return <li class={ok ? "" : "bad"}><Formula node={node} tree={right} /> must equal <Formula node={node} tree={left} />{ok ? "" : ": it does not"}</li>;
      })}
    </ul>
  );
}

const LEAST = (name: string): number => (base(name).includes("padding") ? 0 : 1);

function KnobBox({ node }: { node: number }) {
  const at = numbersOf(node), groups = new Map<string, string[]>();
  for (const name of Object.keys(at.knobs)) groups.set(base(name), [...(groups.get(base(name)) ?? []), name]);
  if (!groups.size) return null;
  const many = repeats(model, node).length;
  const { knobs: before = {}, reach } = ruleOf(node), window = typeof reach === "object" ? reach["-1"] : undefined;
  const shared = (at.knobs.groups ?? 1) > 1 && Array.isArray(window) && at.value(window[1]) > 0; // a kernel then stores its group's maps only
  const even = (names: string[]) => names.every((name) => at.knobs[name] === at.knobs[names[0]!] && before[name] === before[names[0]!]);
  return (
    <fieldset class="knobs"><legend>Turn the knobs{many > 1 && ` of all ${many} repetitions`}</legend>
      {[...groups].flatMap(([group, names]): [string, string[]][] => (even(names) ? [[group, names]] : names.map((name) => [name, [name]]))).map(([shown, names]) => {
        const now = at.knobs[names[0]!]!, was = before[names[0]!]!, least = LEAST(names[0]!), typed = ruleOf(node).typed?.includes(names[0]!);
        const called = shown === "in_channels" && shared ? "in_channels of each group" : shown;
        const set = (value: number) => Number.isInteger(value) && value >= least && value < 1e9 && setKnobs(node, Object.fromEntries(names.map((name) => [name, value])) as Knobs);
        return (
          <label class={now === was ? "" : "changed"}><span>{called}{typed && <small> typed</small>}</span>
            <input type="range" aria-label={`${called} slider`} min={least} max={max(8, 2 * was)} value={now} onInput={(e) => set(+e.currentTarget.value)} />
            <input type="number" aria-label={called} min={least} value={now} onInput={(e) => set(e.currentTarget.valueAsNumber)} />
          </label>
        );
      })}
      {touched.value && <button onClick={() => (changes.value = { inputs: {}, knobs: {} })}>Reset all</button>}
    </fieldset>
  );
}

/** The three steps behind "+ 1", for a window whose size formula they make up. */
function WhyPlusOne({ node }: { node: number }) {
  const [index, reads, makes] = model.nodes[node]!, reach = model.rules[index]!.reach;
  const window = typeof reach === "object" ? reach["-1"] : undefined;
  if (!window || window === "adaptive") return null;
  const at = numbersOf(node), [size, stride, before, dilation, after] = window.map((t) => at.value(t)) as [number, number, number, number, number];
  const n = sizes.value[reads[0]!]!.at(-1)!, room = n + before + after, span = dilation * (size - 1) + 1, moves = floor((room - span) / stride);
  if (stride < 1 || moves + 1 !== sizes.value[makes[0]!]!.at(-1)) return null;
  return (
    <details><summary>why plus 1?</summary>
      <ol>
        <li>The window covers {span} of {room} columns. Its last place starts at column {room - span}.</li>
        <li>From column 0 to {room - span} in steps of {stride}: {moves} moves.</li>
        <li>It stands somewhere before the first move too: {moves} + 1 = {moves + 1} places.</li>
      </ol>
    </details>
  );
}

const copied = signal<{ node: number; kind: string } | null>(null);

function Copies({ node }: { node: number }) {
  const row = rowOf(node), name = path(row), rule = ruleOf(node);
  const at = numbersOf(node);
  const lines = alike(node, (roadOf(rule, at) ?? rule).outs[0] ?? []).filter(({ tree }) => isSum(model.trees[tree]!));
  const sums = lines.map(({ tree }) => `${formulaText(node, tree)} = ${at.value(tree)}`);
  const text = lines.map(({ places }, i) => `${places.map((axis) => rule.axes?.[axis] ?? `axis ${axis}`).join(" and ")}: ${sums[i]}`);
  const access = name && `model.${name}`.replace(/\.(\d+)(?=\.|$)/g, "[$1]");
  const kinds: Record<string, () => string | 0> = {
    text: () => [`${name || rule.op}: ${sizeText(model.nodes[node]![2][0]!)}`, ...text].join("\n"),
    Markdown: () => [`**${(name || rule.op).replace(/[\\`*_{}[\]<>|]/g, "\\$&")}**`, ...text.map((line) => `- \`${line}\``)].join("\n"),
    LaTeX: () => sums.map(latex).join("\n"),
    MathML: () => sums.map(mathml).join("\n"),
    "Python check": () => sums.length && ["import math", ...sums.map(python)].join("\n"),
    "Python path": () => access,
    "state_dict key": () => name,
    link: () => location.href,
  };
  return (
    <p class="tools copies">Copy: {Object.entries(kinds).filter(([, write]) => write()).map(([kind, write]) => (
      <button onClick={() => { copy(`${write()}`); copied.value = { node, kind }; }}>{kind}</button>
    ))} <span role="status" live={() => copied.value?.node === node && `${copied.value.kind} copied`} /></p>
  );
}

export function copy(text: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy"); // the clipboard API is refused in sandboxed frames
  area.remove();
  document.documentElement.dataset.copied = text;
}
