// A drawing fitted into 28 x 28 as MNIST was made. The same steps, in the same order, as lab/fit.py; a test compares them.

export const SIDE = 28;
const BOX = 20;

/** Grey pixels (0 empty, 1 ink), `width` in a row, as 28 x 28 bytes (255 = ink). */
export function fitted(image: Float64Array, width: number, centring: boolean): Uint8Array {
  const height = image.length / width, out = new Float64Array(SIDE * SIDE);
  const rows = span(height, (r) => some(width, (c) => image[r * width + c]! > 0));
  const columns = span(width, (c) => some(height, (r) => image[r * width + c]! > 0));
  if (rows && columns) {
    if (centring) {
      const ink = cut(image, width, rows, columns), high = rows[1] - rows[0] + 1, wide = columns[1] - columns[0] + 1;
      const scale = BOX / Math.max(high, wide);
      const newHigh = Math.max(1, Math.floor(high * scale + 0.5)), newWide = Math.max(1, Math.floor(wide * scale + 0.5));
      place(resized(ink, high, wide, newHigh, newWide), newHigh, newWide, out);
    } else out.set(resized(image, height, width, SIDE, SIDE));
  }
  return Uint8Array.from(out, (v) => roundEven(v * 255));
}

/** Rounds half to even, as NumPy's rint. */
function roundEven(v: number): number {
  const low = Math.floor(v), rest = v - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

const some = (n: number, test: (i: number) => boolean): boolean => {
  for (let i = 0; i < n; i++) if (test(i)) return true;
  return false;
};

/** The first and the last place that passes. */
function span(n: number, test: (i: number) => boolean): [number, number] | null {
  let first = -1, last = -1;
  for (let i = 0; i < n; i++) if (test(i)) { last = i; if (first < 0) first = i; }
  return first < 0 ? null : [first, last];
}

function cut(image: Float64Array, width: number, rows: [number, number], columns: [number, number]): Float64Array {
  const high = rows[1] - rows[0] + 1, wide = columns[1] - columns[0] + 1, out = new Float64Array(high * wide);
  for (let r = 0; r < high; r++) out.set(image.subarray((rows[0] + r) * width + columns[0], (rows[0] + r) * width + columns[0] + wide), r * wide);
  return out;
}

/** The weights that resize one axis: for each new place the old places that count, with their shares. */
function triangle(old: number, fresh: number): [at: number, share: number][][] {
  const step = old / fresh, reach = Math.max(1, step);
  return Array.from({ length: fresh }, (_, i) => {
    const centre = (i + 0.5) * step - 0.5, near: [number, number][] = [];
    for (let j = Math.max(0, Math.floor(centre - reach)); j <= Math.min(old - 1, Math.ceil(centre + reach)); j++) {
      const share = 1 - Math.abs(j - centre) / reach;
      if (share > 0) near.push([j, share]);
    }
    const all = near.reduce((sum, [, share]) => sum + share, 0);
    return near.map(([j, share]) => [j, share / all]);
  });
}

export function resized(image: Float64Array, height: number, width: number, newHeight: number, newWidth: number): Float64Array {
  const half = new Float64Array(newHeight * width), out = new Float64Array(newHeight * newWidth);
  triangle(height, newHeight).forEach((near, r) => {
    for (const [j, share] of near) for (let c = 0; c < width; c++) half[r * width + c]! += share * image[j * width + c]!;
  });
  triangle(width, newWidth).forEach((near, c) => {
    for (const [j, share] of near) for (let r = 0; r < newHeight; r++) out[r * newWidth + c]! += share * half[r * width + j]!;
  });
  return out;
}

/** The ink on the empty 28 x 28, its centre of mass in the middle where there is room. */
function place(ink: Float64Array, height: number, width: number, out: Float64Array): void {
  let mass = 0, row = 0, column = 0;
  ink.forEach((v, i) => {
    mass += v;
    row += v * (Math.floor(i / width) + 0.5);
    column += v * ((i % width) + 0.5);
  });
  const put = (centre: number, size: number): number => Math.min(Math.max(0, Math.floor(SIDE / 2 - centre + 0.5)), SIDE - size);
  const top = put(row / mass, height), left = put(column / mass, width);
  for (let r = 0; r < height; r++) out.set(ink.subarray(r * width, (r + 1) * width), (top + r) * SIDE + left);
}
