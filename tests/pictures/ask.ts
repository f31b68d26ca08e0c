// Puts questions of the tests to the page's own core, in Node: one JSON object in, one out.

import { readFileSync } from "node:fs";
import { evaluate, numbers, parameters, repairs, type Changes, type Model } from "../../web/core/model";
import { cellsRead, readersOf, trace } from "../../web/core/reach";
import { pieces, plain } from "../../web/core/text";

interface Question { model: number; changes?: Changes; trace?: [tensor: number, cell: number[]]; text?: boolean; repairs?: boolean; window?: [number, number, number, number, number]; outputs?: number }

const { models, questions } = JSON.parse(readFileSync(0, "utf8")) as { models: Model[]; questions: Question[] };
const answers = questions.map(({ model: index, changes = { inputs: {}, knobs: {} }, ...asked }) => {
  const model = models[index]!, { sizes, stop } = evaluate(model, changes);
  return {
    sizes,
    stop: stop && { node: stop.node, sentence: stop.sentence, known: stop.known },
    trace: asked.trace && Object.fromEntries(trace(model, sizes, changes, ...asked.trace)),
    text: asked.text && model.nodes.map(([rule], node) => {
      const at = numbers(model, sizes, node, changes);
      return model.rules[rule]!.outs.map((shape) => shape.map((tree) => plain(pieces(model.trees, tree, (leaf) => String(at.value(leaf))))));
    }),
    readers: asked.window && Array.from({ length: 60 }, (_, cell) => {
      const all = Array.from({ length: asked.outputs! }, (_, out) => out);
      return [readersOf(cell, asked.outputs!, asked.window!), all.filter((out) => cellsRead(out, asked.window!).includes(cell))];
    }),
    counts: !stop && model.nodes.map(([rule], node) => {
      const at = numbers(model, sizes, node, changes), macs = model.rules[rule]!.macs;
      return [parameters(model, at, node), macs === undefined ? 0 : at.value(macs)];
    }),
    repairs: asked.repairs && stop && repairs(model, changes, stop, sizes),
  };
});
process.stdout.write(JSON.stringify(answers));
