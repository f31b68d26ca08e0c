// Panel 4: change a layer's settings. Sizes are Python's formulas, asked again; maps stay real as long as the trained kernels fit.

import { Fragment, make } from "../view";
import { evaluate, numbers, repairs } from "../core/model";
import { pieces, plain } from "../core/text";
import { nameOf, sent } from "./data";
import { untrained } from "./forward";
import { size } from "./maps";
import { changed, changes, reset, result, turn } from "./state";

const LIMIT: Record<string, [number, number]> = { kernel_size: [1, 11], stride: [1, 4], padding: [0, 4], dilation: [1, 4] };
const WORDS = Object.keys(LIMIT);

/** The settings of a call that the panel offers: both axes move together. */
function offered(node: number): string[] {
  const knobs = Object.keys(sent.model.rules[sent.model.nodes[node]![0]]!.knobs ?? {});
  return WORDS.filter((word) => knobs.some((name) => name === word || name === `${word}[0]`));
}

function knobNames(node: number, word: string): string[] {
  return Object.keys(sent.model.rules[sent.model.nodes[node]![0]]!.knobs ?? {}).filter((name) => name === word || name.startsWith(`${word}[`));
}

const valueOf = (node: number, word: string): number => numbers(sent.model, result.value.sizes, node, changes.value).knobs[knobNames(node, word)[0]!]!;
const turned = (node: number, word: string, v: number): Record<string, number> => Object.fromEntries(knobNames(node, word).map((name) => [name, v]));

/** The values around the present one for which this very layer still runs. */
function range(node: number, word: string): [number, number] {
  const [least, most] = LIMIT[word]!, now = valueOf(node, word);
  const runs = (v: number): boolean => {
    const tried = { ...changes.value, knobs: { ...changes.value.knobs, [node]: { ...changes.value.knobs[node], ...turned(node, word, v) } } };
    return evaluate(sent.model, tried).stop?.node !== node;
  };
  let low = now, high = now;
  while (low > least && runs(low - 1)) low--;
  while (high < most && runs(high + 1)) high++;
  return [low, high];
}

/** The layer's height with its numbers put in: floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24. */
function formula(node: number): string {
  const rule = sent.model.rules[sent.model.nodes[node]![0]]!, at = numbers(sent.model, result.value.sizes, node, changes.value), tree = rule.outs[0]![2];
  if (tree === undefined) return "";
  return `${plain(pieces(sent.model.trees, tree, (leaf) => String(at.value(leaf))))} = ${at.value(tree)}`;
}

function Layer({ node }: { node: number }) {
  const [, , makes] = sent.model.nodes[node]!, stop = result.value.stop, reached = !stop || node < stop.node;
  const was = sent.model.shapes[sent.model.tensors[makes[0]!]!]!, now = result.value.sizes[makes[0]!]!;
  const step = sent.steps[node]!, lost = untrained(step, changes.value.knobs[node]);
  return (
    <fieldset>
      <legend>{nameOf(node)}</legend>
      <div class="knobs">
        {offered(node).map((word) => {
          const [low, high] = range(node, word), v = valueOf(node, word);
          return (
            <label key={word}>{word} <b>{v}</b>
              <input type="range" min={low} max={high} value={v} aria-label={`${nameOf(node)} ${word}`} onInput={(e) => turn(node, turned(node, word, +e.currentTarget.value))} />
            </label>
          );
        })}
      </div>
      <p class="says">{!reached ? "not reached" : <>
        {size(now)}{String(now) !== String(was) && <> (was {size(was)})</>}. <code>{formula(node)}</code>
        {lost && <> <b>There are no trained kernels of this size: from here on only sizes are true.</b></>}</>}
      </p>
    </fieldset>
  );
}

interface Way { node: number; word: string; value: number }

/** Single settings of earlier layers that make everything fit with the trained weights: each was tried to the end. */
function otherWays(before: number, most = 2): Way[] {
  const found: Way[] = [];
  for (let node = before - 1; node >= 0; node--) {
    for (const word of offered(node)) {
      const [least, limit] = LIMIT[word]!;
      for (let value = least; value <= limit && found.length < most; value++) {
        const knobs = { ...changes.value.knobs[node], ...turned(node, word, value) };
        if (value === valueOf(node, word) || untrained(sent.steps[node]!, knobs)) continue;
        if (!evaluate(sent.model, { ...changes.value, knobs: { ...changes.value.knobs, [node]: knobs } }).stop) found.push({ node, word, value });
      }
    }
  }
  return found;
}

/** Where it stops to fit, in the rule's own sentence, and changes that were tried to the end. */
function Trouble() {
  const { stop, sizes } = result.value;
  if (!stop) return <p id="fits" role="status">{changed.value ? "Everything still fits." : "Nothing is changed: these are the trained network's own settings."}</p>;
  const node = stop.node, reads = sent.model.nodes[node]?.[1][0], arrives = reads === undefined ? [] : sizes[reads]!;
  const maker = reads === undefined ? -1 : sent.model.nodes.findIndex(([, , makes]) => makes[0] === reads);
  const from = maker < 0 ? [] : sizes[sent.model.nodes[maker]![1][0]!]!;
  const fixes = repairs(sent.model, changes.value, stop, sizes);
  return (
    <div id="fits" role="alert" class="stop">
      <p><b>{node < sent.steps.length ? nameOf(node) : "The model"} does not fit:</b> {stop.sentence}.
        {from.length > 2 && arrives.length === 2 && <> {from.slice(1).join(" x ")} = {arrives[1]} arrive.</>}</p>
      <ul>
        {fixes.map((fix) => (
          <li key={fix.knob}><button onClick={() => turn(fix.node, { [fix.knob]: fix.value })}>{nameOf(fix.node)}: {fix.knob} = {fix.value}</button> new weights, train again</li>
        ))}
        {otherWays(node).map(({ node: at, word, value }) => (
          <li key={`${at}${word}${value}`}><button onClick={() => turn(at, turned(at, word, value))}>{nameOf(at)}: {word} = {value}</button> the trained weights stay; how well it reads must be checked</li>
        ))}
        <li><button onClick={reset}>Take the changes back</button> the trained weights stay</li>
      </ul>
    </div>
  );
}

export function Change() {
  const layers = sent.steps.map((_, node) => node).filter((node) => offered(node).length > 0);
  return (
    <>
      <h2 id="change-h">4. Change it</h2>
      <p class="note">Stride, padding and dilation keep the trained kernels, so the maps stay real. Another kernel size needs training: then only the sizes are shown.</p>
      <Trouble />
      {layers.map((node) => <Layer key={node} node={node} />)}
      <button onClick={reset} disabled={!changed.value}>Reset all</button>
    </>
  );
}
