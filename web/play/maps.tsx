// Panel 2: what every layer gives, one tile for each map.

import { signal } from "../core/signals";
import { Fragment, make } from "../view";
import { nameOf, sent } from "./data";
import { Sheet, dark, span } from "./paint";
import { missing, perMap, place, pointed, result, values } from "./state";

const room = signal(640);

/** Sizes in words: 10 maps of 24 x 24, 320 numbers. */
export function size(shape: number[]): string {
  const [, maps, ...space] = shape;
  return space.length ? `${maps} ${maps === 1 ? "map" : "maps"} of ${space.join(" x ")}` : `${maps} numbers`;
}

/** Paints a canvas, if it shows something else than last time. */
const painted = new WeakMap<HTMLCanvasElement, unknown[]>();
function paint(canvas: HTMLCanvasElement, shown: unknown[], work: () => void): void {
  const before = painted.get(canvas);
  if (before && shown.every((each, i) => each === before[i])) return;
  painted.set(canvas, shown);
  work();
}

function Layer(node: number) {
  const tensor = sent.model.nodes[node]![2][0]!, shape = result.value.sizes[tensor]!;
  const stop = result.value.stop, fits = !stop || node < stop.node;
  const numbers = fits ? values.value[tensor] ?? null : null, sheet = new Sheet(shape.slice(1), room.value);
  const here = pointed.value?.node === node ? pointed.value : null, chosen = place.value.node === node ? place.value.at : null;
  const scale = perMap.value, night = dark.value;
  if (!fits) return <><h3>{nameOf(node)}</h3><p class="note">{node === stop!.node ? stop!.sentence : "not reached"}</p></>;
  const { low, high } = span(numbers ?? [0]), places = sheet.high * sheet.wide;
  const dead = numbers && places > 1 ? Array.from({ length: sheet.maps }, (_, m) => m).filter((m) => numbers.subarray(m * places, (m + 1) * places).every((v) => v === 0)).length : 0;
  const words = numbers ? `${low.toFixed(2)} to ${high.toFixed(2)}${dead ? `, ${dead} all 0` : ""}` : missing.value;
  const find = (e: MouseEvent): [number, number, number] | null => {
    const box = (e.currentTarget as Element).getBoundingClientRect();
    return sheet.at(((e.clientX - box.left) * sheet.width) / box.width, ((e.clientY - box.top) * sheet.height) / box.height);
  };
  return (
    <>
      <h3>{nameOf(node)} <span>{size(shape)}</span> <small>{words}</small></h3>
      <canvas
        role="img" aria-label={`${nameOf(node)}: ${size(shape)}, ${words}`}
        onMouseMove={(e) => { const at = find(e); pointed.value = at && { node, row: at[1], column: at[2] }; }}
        onMouseLeave={() => (pointed.value = null)}
        live={(canvas) => paint(canvas, [numbers, `${shape}`, sheet.cell, sheet.across, scale, here, chosen, night], () => sheet.draw(canvas, numbers, scale, here && [here.row, here.column], chosen))}
        onClick={(e) => { const at = find(e); if (at) place.value = { node, at: shape.length === 4 ? at : [at[0]] }; }}
      />
      {here && numbers && shape.length === 4 && <p class="note over">row {here.row}, column {here.column}: {Array.from({ length: sheet.maps }, (_, m) => numbers[m * places + here.row * sheet.wide + here.column]!.toFixed(2)).join("  ")}</p>}
    </>
  );
}

export function Maps() {
  return (
    <>
      <h2 id="maps-h">2. Maps</h2>
      <p class="note">Orange is above zero, blue below. Point at a pixel to see it in all maps; click it to open it under "One number".</p>
      <label><input type="checkbox" checked={perMap.value} onChange={(e) => (perMap.value = e.currentTarget.checked)} /> a colour scale for each map</label>
      <ol class="layers">{sent.steps.map((_, node) => <li live={() => Layer(node)} />)}</ol>
    </>
  );
}

/** Keeps the maps as wide as there is room for them. */
export function watch(): void {
  new ResizeObserver(([entry]) => (room.value = Math.floor(entry!.contentRect.width))).observe(document.getElementById("maps")!);
}
