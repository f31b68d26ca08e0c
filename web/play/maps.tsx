// Panel 2: what every layer gives, one tile for each map.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nameOf, sent } from "./data";
import { Sheet, dark, span } from "./paint";
import { perMap, place, pointed, result, values } from "./state";

const room = signal(640);

/** Sizes in words: 10 maps of 24 x 24, 320 numbers. */
export function size(shape: number[]): string {
  const [, maps, ...space] = shape;
  return space.length ? `${maps} ${maps === 1 ? "map" : "maps"} of ${space.join(" x ")}` : `${maps} numbers`;
}

function Layer({ node }: { node: number }) {
  const canvas = useRef<HTMLCanvasElement>(null), tensor = sent.model.nodes[node]![2][0]!, shape = result.value.sizes[tensor]!;
  const stop = result.value.stop, fits = !stop || node < stop.node;
  const numbers = fits ? values.value[tensor] ?? null : null, sheet = new Sheet(shape.slice(1), room.value);
  const here = pointed.value?.node === node ? pointed.value : null, chosen = place.value.node === node ? place.value.at : null;
  const scale = perMap.value, night = dark.value;
  useEffect(() => {
    if (fits) sheet.draw(canvas.current!, numbers, scale, here && [here.row, here.column], chosen);
  }, [numbers, shape.join(), room.value, scale, here, chosen, night, fits]);
  if (!fits) return <li><h3>{nameOf(node)}</h3><p class="note">{node === stop!.node ? stop!.sentence : "not reached"}</p></li>;
  const { low, high } = span(numbers ?? [0]), places = sheet.high * sheet.wide;
  const dead = numbers && places > 1 ? Array.from({ length: sheet.maps }, (_, m) => m).filter((m) => numbers.subarray(m * places, (m + 1) * places).every((v) => v === 0)).length : 0;
  const words = numbers ? `${low.toFixed(2)} to ${high.toFixed(2)}${dead ? `, ${dead} all 0` : ""}` : "not trained for this: sizes only";
  const find = (e: MouseEvent): [number, number, number] | null => {
    const box = canvas.current!.getBoundingClientRect();
    return sheet.at(((e.clientX - box.left) * sheet.width) / box.width, ((e.clientY - box.top) * sheet.height) / box.height);
  };
  return (
    <li>
      <h3>{nameOf(node)} <span>{size(shape)}</span> <small>{words}</small></h3>
      <canvas
        ref={canvas} role="img" aria-label={`${nameOf(node)}: ${size(shape)}, ${words}`}
        onMouseMove={(e) => { const at = find(e); pointed.value = at && { node, row: at[1], column: at[2] }; }}
        onMouseLeave={() => (pointed.value = null)}
        onClick={(e) => { const at = find(e); if (at) place.value = { node, at: shape.length === 4 ? at : [at[0]] }; }}
      />
      {here && numbers && shape.length === 4 && <p class="note over">row {here.row}, column {here.column}: {Array.from({ length: sheet.maps }, (_, m) => numbers[m * places + here.row * sheet.wide + here.column]!.toFixed(2)).join("  ")}</p>}
    </li>
  );
}

export function Maps() {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => (room.value = Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return (
    <section id="maps" aria-labelledby="maps-h" ref={box}>
      <h2 id="maps-h">2. Maps</h2>
      <p class="note">Orange is above zero, blue below. Point at a pixel to see it in all maps; click it to open it under "One number".</p>
      <label><input type="checkbox" checked={perMap.value} onChange={(e) => (perMap.value = e.currentTarget.checked)} /> a colour scale for each map</label>
      <ol class="layers">{sent.steps.map((_, node) => <Layer key={node} node={node} />)}</ol>
    </section>
  );
}
