// The parts of a module as boxes and lines, laid out by Python.

import { max } from "../core/trees";
import { choose, label, model, outputOf, path, sizeText } from "./state";
import { make } from "../view";

const W = 132, H = 36, GAP = 22;

export function Picture({ row }: { row: number }) {
  const parts: number[] = [], drawn = model.pictures[row];
  for (let at = row + 1; at <= row + model.rows[row]![6]; at += 1 + model.rows[at]![6]) parts.push(at);
  if (parts.length > 60) return <p>{parts.length} parts: the list shows them.</p>;
  const at = drawn?.at ?? [-1, ...parts].map((_, i): [number, number] => [i, 0]);
  const edges = drawn?.edges ?? parts.map((_, i) => [i, i + 1]);
  const wide = max(...at.map(([, place]) => place)) + 1, lanes = max(...edges.flatMap(([, , ...passed]) => passed), 0) + 1 - wide;
  const high = at.some(([column], i) => i > 0 && column === 0) ? 0 : 20; // what the first line leaves free where it holds words only
  const x = (place: number) => (place < wide ? place * (W + GAP) : wide * (W + GAP) + (place - wide) * 14 - W / 2) + 4, y = (column: number) => max(0, column * (H + GAP) - high);
  // From the bottom of one part down to the next; a long edge passes beside the parts between.
  const way = ([from, to, ...passed]: number[]): string => {
    const [column, place] = at[from!]!;
    let text = `M${x(place) + W / 2} ${y(column) + (from ? H : 14)}`;
    [...passed, at[to!]![1]].forEach((next, i, all) => {
      const [here, top] = [x(i ? all[i - 1]! : place) + W / 2, y(column + 1 + i)], there = x(next) + W / 2;
      text += here === there ? `V${top}` : `V${top - GAP}C${here} ${top - GAP / 3} ${there} ${top - GAP / 1.5} ${there} ${top}`;
    });
    return text;
  };
  return (
    <figure class="parts"><figcaption>Its parts, in the order of the data (top to bottom)</figcaption>
      <svg width={wide * (W + GAP) + max(0, lanes) * 14} height={y(max(...at.map(([column]) => column))) + H + 4} role="img" aria-label={`Picture of the ${parts.length} parts and how they are joined`}>
        <text class="word" x={x(at[0]![1]) + W / 2} y={11} text-anchor="middle">what comes in</text>
        {edges.map((edge) => <path class="edge" d={way(edge)} />)}
        {parts.map((part, i) => (
          <g class="part" transform={`translate(${x(at[i + 1]![1])} ${y(at[i + 1]![0])})`} onClick={() => choose(part)}>
            <title>{path(part)}</title>
            <rect width={W} height={H} rx={3} />
            <text x={6} y={15}>{clip(`${label(part)} ${model.rows[part]![2]}`)}</text>
            <text x={6} y={29} class="dim">{sizeText(outputOf(part))}</text>
          </g>
        ))}
      </svg>
    </figure>
  );
}

const clip = (text: string): string => (text.length > 20 ? `${text.slice(0, 17)}...` : text);
