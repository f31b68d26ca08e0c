// Why plus 1? The last axis in three strips: the room the window has, its moves, and the place where it starts. Python draws the same (figure steps).

import { floor, min, upTo } from "../core/trees";
import { reachOf } from "../core/reach";
import { signal } from "../core/signals";
import { count } from "../core/text";
import { changes, model, sizes } from "./state";
import { type Made, make } from "../view";

const shown = signal(false), MANY = 120; // moves that are drawn one by one

export function Steps({ node }: { node: number }) {
  const strips = drawn(node);
  return strips && <details open={shown.value} onToggle={(e) => (shown.value = e.currentTarget.open)}><summary>why plus 1?</summary>{shown.value && <ol>{strips()}</ol>}</details>;
}

/** The strips of a call, where its size is moves and one more. */
function drawn(node: number): (() => Made[]) | null {
  const [, reads, makes] = model.nodes[node]!, window = reachOf(model, sizes.value, changes.value, node)(-1);
  if (typeof window === "string") return null;
  const [size, stride, before, dilation, after] = window, n = sizes.value[reads[0]!]!.at(-1)!, room = n + before + after, span = dilation * (size - 1) + 1;
  const moves = sizes.value[makes[0]!]!.at(-1)! - 1, left = room - span, rounded = moves === floor(left / stride) ? "floor" : "ceil";
  if (stride < 1 || moves !== Math[rounded](left / stride)) return null;
  return () => {
    const side = min(11, 330 / room), box = (from: number, cells: number) => `M${from * side} 8h${cells * side}v10h${-cells * side}z`;
    const arrow = (from: number, to: number) => (to > from ? `M${from * side} 4H${to * side}m-3-2l3 2l-3 2` : "");
    const [each, step] = moves > MANY ? [1, moves * stride] : [moves, stride];
    const strips: [says: string, arrows: string, dark: string, light?: string][] = [
      [`The window covers ${span} of ${count(room, "column")}: ${room} - ${span} = ${left} are left.`, arrow(span, room), box(0, span)],
      [`In steps of ${stride} that is ${rounded}(${left}/${stride}) = ${count(moves, "move")}.`, upTo(each, (i) => arrow(i * step, (i + 1) * step)).join(""), box(moves * stride, span), box(0, span)],
      [`It also stands where it starts: ${moves} + 1 = ${count(moves + 1, "place")}.`, "", box(0, 1), each < moves ? box(stride, step - stride + 1) : upTo(moves, (i) => box((i + 1) * stride, 1)).join("")],
    ];
    return strips.map(([says, arrows, dark, light]) => (
      <li>{says}
        <svg class="steps" width={room * side + 2} height={20} aria-hidden="true">
          <path class="pad" d={box(0, room)} /><path class="in" d={box(before, n)} />
          {side > 3 && <path class="lines" d={upTo(room, (i) => `M${i * side} 8v10`).join("")} />}
          <path class="edge" d={arrows} /><path class="next" d={light} /><path class="kernel" d={dark} />
        </svg>
      </li>
    ));
  };
}
