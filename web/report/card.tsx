// One layer: the slots SIZE, MAPS, WEIGHTS, NOTE; its knobs; its window at work; its numbers to copy.

import { signal } from "../core/signals";
import { type Condition, isAxis, isSum, max } from "../core/trees";
import { UNCHANGED, repairs, repeats, roadOf } from "../core/model";
import { grouped, latex, mathml, python } from "../core/text";
import { Whole } from "./controls";
import { Formula, axisWord, base, formulaText, told } from "./number";
import { field, toggle } from "./list";
import { address, called, changes, choose, chosen, isCall, knobsOf, model, numbersOf, open, outputOf, parents, path, result, rowOf, ruleOf, setKnobs, sizeText, stop, sums, total, touched, whole } from "./state";
import { Steps } from "./steps";
import { Weights } from "./weights";
import { Walk } from "./walk";
import { Picture } from "./picture";
import { Fragment, make } from "../view";

export function Card() {
  return <article id="card" tabIndex={-1} aria-label="Chosen layer" live={Inside} />;
}

function Inside() {
  const row = chosen.value, data = model.rows[row]!, [, , type, first, count, times] = data;
  const node = isCall(data) ? first : -1, end = stop.value?.node ?? Infinity;
  return (
    <>
      <h3>{called(row)} <small>{type}</small></h3>
      <p class="flow">
        {node >= 0 && <>{model.nodes[node]![1].map((t) => sizeText(t)).join(" and ")} {"->"} </>}
        <b>{end < first + count ? "-" : sizeText(outputOf(row))}</b>
        {times > 1 && ` This row stands for ${times} alike blocks.`}{model.differs[row] && ` They differ in: ${model.differs[row].join("; ")}.`}
      </p>
      {end >= first && end < first + count && <Refusal />}
      {node >= 0 ? <Slots node={node} /> : (
        <>
          <p>{grouped(total(data, sums.value.weights))} learned numbers, {grouped(total(data, sums.value.work))} multiply-adds.{field(row) && ` One output cell sees ${field(row)} of the input.`}</p>
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
        <div>{axes.map(({ places, tree }) => <Axis node={node} words={places.map((i) => axisWord(i, rule.axes))} tree={tree} />)}
          {axes.length === 0 && <p>unchanged</p>}
          {said("SIZE")}
          {axes.length > 0 && <Steps node={node} />}</div>
      </div>
      {channels >= 0 && <div class="slot"><b>MAPS</b><div><p><Formula node={node} tree={shapes[0]![channels]!} /> {words?.MAPS ? "" : who(node, shapes[0]![channels]!)}</p>{said("MAPS")}</div></div>}
      {rule.params.length > 0 && <div class="slot"><b>WEIGHTS</b><div><Weights node={node} />{said("WEIGHTS")}<Needs node={node} /></div></div>}
      {words && Object.keys(words).filter((slot) => !["SIZE", "MAPS", "WEIGHTS"].includes(slot)).map((slot) => <div class="slot"><b>{slot}</b><div>{said(slot)}</div></div>)}
      {rule.params.length === 0 && <Needs node={node} />}
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

/** Who decides a number that no formula gives. */
function who(node: number, tree: number): string {
  const { by, text } = told(node, tree);
  return isAxis(model.trees[tree]!) && by === "calculated" ? "unchanged" : text && `(${text})`;
}

/** The demands that tie a typed number to what arrives. */
function Needs({ node }: { node: number }) {
  const rule = ruleOf(node), at = numbersOf(node);
  return rule.ties && (
    <ul class="needs">
      {rule.ties.map((place) => {
        const demand = rule.needs![place]!, [, left, right] = demand, ok = at.holds(demand as unknown as Condition);
        return <li class={ok ? "" : "bad"}>typed: <Formula node={node} tree={right} /> must equal what arrives, <Formula node={node} tree={left} />{ok ? "" : ": it does not"}</li>;
      })}
    </ul>
  );
}

function KnobBox({ node }: { node: number }) {
  const at = numbersOf(node), groups = new Map<string, string[]>(), many = repeats(model, node).length, before = knobsOf(node), { reach, typed } = ruleOf(node);
  const window = typeof reach === "object" ? reach["-1"] : undefined;
  const shared = (at.knobs.groups ?? 1) > 1 && Array.isArray(window) && at.value(window[1]) > 0; // a kernel then stores its group's maps only
  for (const name in at.knobs) { // a number for each axis is one knob while they are equal
    const all = Object.keys(at.knobs).filter((other) => base(other) === base(name));
    const even = all.every((other) => at.knobs[other] === at.knobs[name] && before[other] === before[name]);
    groups.set(even ? base(name) : name, even ? all : [name]);
  }
  if (!groups.size) return null;
  return (
    <fieldset class="knobs"><legend>Turn the knobs{many > 1 && ` of all ${many} repetitions`}</legend>
      {[...groups].map(([name, names]) => {
        const [first] = names as [string], was = before[first]!, label = name === "in_channels" && shared ? "in_channels of each group" : name;
        const knob = { now: at.knobs[first]!, least: name.includes("padding") ? 0 : 1, set: (value: number) => setKnobs(node, Object.fromEntries(names.map((each) => [each, value]))) };
        return (
          <label class={knob.now === was ? "" : "changed"}><span>{label}{typed?.includes(first) && <small> typed</small>}</span>
            <Whole slider label={`${label} slider`} most={max(8, 2 * was)} {...knob} /><Whole label={label} most={1e9} {...knob} />
          </label>
        );
      })}
      {touched.value && <button onClick={() => (changes.value = UNCHANGED)}>Reset all</button>}
    </fieldset>
  );
}

const copied = signal<{ node: number; kind: string } | null>(null);

function Copies({ node }: { node: number }) {
  const row = rowOf(node), name = path(row), rule = ruleOf(node);
  const at = numbersOf(node);
  const lines = alike(node, (roadOf(rule, at) ?? rule).outs[0] ?? []).filter(({ tree }) => isSum(model.trees[tree]!));
  const sums = lines.map(({ tree }) => `${formulaText(node, tree)} = ${at.value(tree)}`);
  const text = lines.map(({ places }, i) => `${places.map((axis) => axisWord(axis, rule.axes)).join(" and ")}: ${sums[i]}`);
  const access = name && `model.${name}`.replace(/\.(\d+)(?=\.|$)/g, "[$1]");
  const kinds: Record<string, () => string | 0> = {
    text: () => [`${name || rule.op}: ${sizeText(model.nodes[node]![2][0]!)}`, ...text].join("\n"),
    Markdown: () => [`**${(name || rule.op).replace(/[\\`*_{}[\]<>|]/g, "\\$&")}**`, ...text.map((line) => `- \`${line}\``)].join("\n"),
    LaTeX: () => sums.map(latex).join("\n"),
    MathML: () => sums.map(mathml).join("\n"),
    "Python check": () => sums.length && ["import math", ...sums.map(python)].join("\n"),
    "Python path": () => access,
    "state_dict key": () => name,
    link: () => location.href.split("#")[0] + address(),
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
