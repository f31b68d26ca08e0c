// The guided tour as data: seven steps, each with a number to predict. Every right answer is asked of the model, none is typed here.

import { UNCHANGED, evaluate, numbers } from "../core/model";
import { sent } from "./data";

export interface Slip { value: number; says: string }
export interface Lesson { title: string; says: string; asks: string; answer: number; because: string; slips: Slip[]; node: number; change?: Record<string, number> }

const nodeOf = (path: string): number => sent.steps.findIndex((step) => step.path === path);
const sizes = (): number[][] => evaluate(sent.model, UNCHANGED).sizes;
const inOut = (node: number, all = sizes()): [number[], number[]] => [all[sent.model.nodes[node]![1][0]!]!, all[sent.model.nodes[node]![2][0]!]!];

/** The tour of the thread's network; nothing for another model, whose layers the words do not fit. */
export function lessons(): Lesson[] {
  const [conv1, pool1, conv2, fc1] = ["conv.conv_1", "conv.maxpool_1", "conv.conv_2", "fc.fc1"].map(nodeOf) as [number, number, number, number];
  const last = nodeOf("conv.relu_2");
  if ([conv1, pool1, conv2, fc1, last].some((node) => node < 0)) return [];
  const [image, first] = inOut(conv1), [, half] = inOut(pool1), [, second] = inOut(conv2), [, end] = inOut(last), [row] = inOut(fc1);
  const knobs = (node: number) => numbers(sent.model, sizes(), node, UNCHANGED).knobs;
  const kernel = knobs(conv1)["kernel_size[0]"]!, window = kernel * kernel, maps = first[1]!, maps2 = second[1]!;
  const n = image[2]!, change = { "padding[0]": 2, "padding[1]": 2 };
  const wider = evaluate(sent.model, { inputs: {}, knobs: { [conv1]: change } });
  const [arrives] = inOut(fc1, wider.sizes), [, wide] = inOut(last, wider.sizes);
  const weights = (node: number) => sent.weights[sent.steps[node]!.weights["weight"]!]!.shape.reduce((a, b) => a * b, 1) + sent.weights[sent.steps[node]!.weights["bias"]!]!.shape[0]!;
  return [
    {
      title: "Three questions", node: conv1,
      says: `Somebody new asked in a forum: why ${maps} in the first convolution? Why ${maps2} in the second? From where do we get ${row[1]} and 50? Two different things are called size: places, which a formula gives, and maps, which you choose.`,
      asks: "How many maps does conv_1 make?", answer: maps, because: `${maps}. It is a choice: ${maps} kernels, each making one map. No formula gives it.`,
      slips: [{ value: first[2]!, says: `${first[2]} is the side of each map, in places. How many maps there are is another number.` }],
    },
    {
      title: "Places: the kernel walks", node: conv1,
      says: `The image has ${n} x ${n} places. A ${kernel} x ${kernel} kernel walks over it, one place at a time.`,
      asks: "How many places wide is each map of conv_1?", answer: first[2]!, because: `${n} - ${kernel} = ${n - kernel} moves, plus the place where it starts: ${first[2]}.`,
      slips: [
        { value: n - kernel, says: `${n - kernel} is the number of moves. You forgot + 1: the place where it starts counts too.` },
        { value: n, says: `${n} would need padding. Without it the kernel cannot stand half outside.` },
        { value: maps, says: `${maps} is the number of maps. You mixed channels and space: places come from the formula.` },
        { value: Math.floor(n / kernel), says: "The kernel does not jump by its own width: it moves by one place (stride 1)." },
      ],
    },
    {
      title: "Maps: what one costs", node: conv1,
      says: `Each of the ${maps} kernels is ${kernel} x ${kernel} weights and one bias.`,
      asks: "How many numbers does conv_1 learn?", answer: weights(conv1), because: `${maps} x (${window} + 1) = ${weights(conv1)}. The size of the image does not appear: the same weights are used at every place.`,
      slips: [{ value: maps * window, says: "Each kernel also has a bias: add one for each map." }, { value: window, says: "That is one kernel, without its bias." }],
    },
    {
      title: "Pooling: the largest of four", node: pool1,
      says: `maxpool_1 takes 2 x 2 places and keeps the largest number. Its window moves by two.`,
      asks: `${first[2]} places become how many?`, answer: half[2]!, because: `floor((${first[2]} - 2)/2) + 1 = ${half[2]}. Maps are not touched: ${half[1]} stay ${half[1]}.`,
      slips: [{ value: half[2]! - 1, says: "You forgot + 1: the first window counts too." }, { value: first[2]! - 1, says: "That is stride 1. A pool moves by its own width unless told otherwise." }],
    },
    {
      title: "The second convolution", node: conv2,
      says: `conv_2 reads all ${half[1]} maps at once: ${half[1]} x ${kernel} x ${kernel} products are added to one number. Open one under "One number".`,
      asks: "How many products make one number of conv_2?", answer: half[1]! * window, because: `${half[1]} maps x ${window} = ${half[1]! * window}, plus one bias.`,
      slips: [{ value: window, says: `That is one map. Each kernel reads all ${half[1]} maps.` }, { value: maps2 * window, says: `${maps2} is what goes out; what is read are the ${half[1]} maps that come in.` }],
    },
    {
      title: `Where ${row[1]} comes from`, node: last,
      says: `After the second pool there are ${end[1]} maps of ${end[2]} x ${end[3]}. flatten lays all of them in one row.`,
      asks: "How many numbers are in that row?", answer: row[1]!, because: `${end[1]} x ${end[2]} x ${end[3]} = ${row[1]}. You type it in Linear(${row[1]}, 50), but it is not free: it must equal this.`,
      slips: [{ value: end[2]! * end[3]!, says: "That is one map. All maps go into the row." }, { value: end[1]! * end[2]!, says: "A map is as wide as it is high: multiply by both." }],
    },
    {
      title: "Break it", node: fc1, change,
      says: `Now conv_1 gets padding 2. Watch the sizes under "Change it".`,
      asks: "How many numbers arrive at fc1 now?", answer: arrives[1]!, because: `${wide[1]} x ${wide[2]} x ${wide[3]} = ${arrives[1]}. fc1 was made for ${row[1]}, so it refuses.`,
      slips: [
        { value: row[1]!, says: "You forgot 2p: padding 2 adds two places on each side." },
        { value: wide[2]! * wide[3]!, says: "That is one map." },
      ],
    },
  ];
}
