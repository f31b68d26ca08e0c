// Numbers as colours: orange above zero, blue below, paper at zero. On dark paper the strong ends are bright.

import { effect, signal } from "../core/signals";

type Colour = [number, number, number];
const LIGHT: { zero: Colour; above: Colour; below: Colour } = { zero: [255, 255, 255], above: [190, 80, 0], below: [0, 90, 140] };
const DARK: { zero: Colour; above: Colour; below: Colour } = { zero: [22, 26, 31], above: [255, 179, 102], below: [124, 196, 242] };

const system = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");
export const dark = signal(system?.matches ?? false);
system?.addEventListener("change", (e) => (dark.value = e.matches));
if (typeof document !== "undefined") effect(() => document.documentElement.setAttribute("data-theme", dark.value ? "dark" : "light"));

export function colour(value: number, most: number): Colour {
  const { zero, above, below } = dark.value ? DARK : LIGHT, full = value < 0 ? below : above;
  const share = Math.min(1, Math.abs(value) / (most || 1));
  return zero.map((z, i) => Math.round(z + share * (full[i]! - z))) as Colour;
}

/** The largest distance from zero, and the lowest and highest number. */
export function span(numbers: ArrayLike<number>): { low: number; high: number; most: number } {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < numbers.length; i++) {
    low = Math.min(low, numbers[i]!);
    high = Math.max(high, numbers[i]!);
  }
  return { low, high, most: Math.max(Math.abs(low), Math.abs(high)) };
}

/** How the maps of one layer lie on a canvas: tiles of the same size, left to right, wrapped. */
export class Sheet {
  readonly maps: number;
  readonly high: number;
  readonly wide: number;
  readonly cell: number;
  readonly across: number;
  readonly gap: number;

  constructor(shape: number[], room: number) {
    const [maps, high, wide] = shape.length === 3 ? (shape as [number, number, number]) : [shape[0] ?? 1, 1, 1];
    [this.maps, this.high, this.wide] = [maps, high, wide];
    const row = high === 1 && wide === 1, few = row && maps <= 10;
    this.gap = row && !few ? 1 : 4;
    const wished = room < 440 ? 5 : 10; // maps next to each other; the browser shrinks a canvas that is a little too wide
    this.cell = row ? (few ? 24 : 12) : Math.max(2, Math.round(((room + this.gap) / wished - this.gap) / wide));
    this.across = row ? Math.max(1, Math.floor((room + this.gap) / (this.cell + this.gap))) : wished;
  }

  get width(): number { return Math.min(this.maps, this.across) * (this.cell * this.wide + this.gap) - this.gap; }
  get height(): number { return Math.ceil(this.maps / this.across) * (this.cell * this.high + this.gap) - this.gap; }

  corner(map: number): [x: number, y: number] {
    return [(map % this.across) * (this.cell * this.wide + this.gap), Math.floor(map / this.across) * (this.cell * this.high + this.gap)];
  }

  /** The cell under a point of the canvas. */
  at(x: number, y: number): [map: number, row: number, column: number] | null {
    const tileX = this.cell * this.wide + this.gap, tileY = this.cell * this.high + this.gap;
    const map = Math.floor(y / tileY) * this.across + Math.floor(x / tileX);
    const row = Math.floor((y % tileY) / this.cell), column = Math.floor((x % tileX) / this.cell);
    return map < this.maps && row < this.high && column < this.wide && x % tileX < this.cell * this.wide ? [map, row, column] : null;
  }

  draw(canvas: HTMLCanvasElement, numbers: Float32Array | null, perMap: boolean, boxed: [row: number, column: number] | null, chosen: number[] | null): void {
    canvas.width = this.width;
    canvas.height = this.height;
    const pen = canvas.getContext("2d")!, places = this.high * this.wide, all = numbers && span(numbers).most;
    for (let map = 0; map < this.maps; map++) {
      const [x, y] = this.corner(map), own = numbers?.subarray(map * places, (map + 1) * places);
      if (!own) {
        pen.fillStyle = dark.value ? "#30363d" : "#ddd";
        pen.fillRect(x, y, this.cell * this.wide, this.cell * this.high);
        continue;
      }
      const most = perMap && places > 1 ? span(own).most : all!;
      own.forEach((v, i) => {
        pen.fillStyle = `rgb(${colour(v, most).join()})`;
        pen.fillRect(x + (i % this.wide) * this.cell, y + Math.floor(i / this.wide) * this.cell, this.cell, this.cell);
      });
      pen.strokeStyle = dark.value ? "#4b535d" : "#aaa";
      pen.strokeRect(x + 0.5, y + 0.5, this.cell * this.wide - 1, this.cell * this.high - 1);
      if (places > 1 && own.every((v) => v === 0)) {
        pen.fillStyle = dark.value ? "#bdbdbd" : "#595959";
        pen.font = "12px system-ui, sans-serif";
        pen.fillText("all 0", x + 6, y + (this.cell * this.high) / 2 + 4);
      }
      if (boxed) this.box(pen, map, boxed, 1);
    }
    if (chosen) this.box(pen, chosen[0]!, [chosen[1] ?? 0, chosen[2] ?? 0], 2);
  }

  private box(pen: CanvasRenderingContext2D, map: number, [row, column]: [number, number], width: number): void {
    const [x, y] = this.corner(map);
    pen.strokeStyle = dark.value ? "#fff" : "#000";
    pen.lineWidth = width;
    pen.strokeRect(x + column * this.cell + 0.5, y + row * this.cell + 0.5, this.cell - 1, this.cell - 1);
    pen.lineWidth = 1;
  }
}
