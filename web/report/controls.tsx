// The boxes and sliders a whole number is typed or drawn into.

import { isNumber } from "../core/trees";
import { make } from "../view";

interface Control { label: string; now: number; least?: number; most?: number; set: (n: number) => void; slider?: boolean }

/** `set` hears of whole numbers that may stand there, and of nothing else. */
export function Whole({ label, now, least = 0, most = 1e6, set, slider }: Control) {
  return (
    <input type={slider ? "range" : "number"} aria-label={label} min={least} max={most} value={now} onInput={(e) => {
      const n = e.currentTarget.valueAsNumber;
      if (isNumber(n) && n >= least && n <= most) set(n);
    }} />
  );
}
