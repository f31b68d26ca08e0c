// Panel 1: a drawing, what the network sees of it, and what it guesses.

import { signal } from "../core/signals";
import { Fragment, make } from "../view";
import { sent } from "./data";
import { SIDE, fitted } from "./fit";
import { colour, dark } from "./paint";
import { missing, pixels, sampleOf, scores, share } from "./state";

const BOARD = 280;
const eraser = signal(false), centring = signal(true), cursor = signal<[number, number]>([14, 14]), told = signal("");
let board: HTMLCanvasElement;
let past: ImageData[] = [];

const pen = (): CanvasRenderingContext2D => board.getContext("2d", { willReadFrequently: true })!;

/** What the network sees follows from the board. */
function look(): void {
  const image = pen().getImageData(0, 0, BOARD, BOARD).data, ink = new Float64Array(BOARD * BOARD);
  for (let i = 0; i < ink.length; i++) ink[i] = image[i * 4 + 3]! / 255;
  pixels.value = fitted(ink, BOARD, centring.value) as Uint8Array<ArrayBuffer>;
}

let frame = 0;
/** Look once per frame, however many moves the pointer reports. */
function lookSoon(): void {
  frame ||= requestAnimationFrame(() => { frame = 0; look(); });
}

function remember(): void {
  past = [...past.slice(-19), pen().getImageData(0, 0, BOARD, BOARD)];
}

function undo(): void {
  const last = past.pop();
  if (last) pen().putImageData(last, 0, 0);
  look();
}

function clear(): void {
  remember();
  pen().clearRect(0, 0, BOARD, BOARD);
  look();
}

function stroke(from: [number, number], to: [number, number]): void {
  const at = pen();
  at.globalCompositeOperation = eraser.value ? "destination-out" : "source-over";
  at.strokeStyle = "#000";
  at.lineWidth = eraser.value ? 30 : 22;
  at.lineCap = "round";
  at.beginPath();
  at.moveTo(...from);
  at.lineTo(...to);
  at.stroke();
  at.globalCompositeOperation = "source-over";
}

/** Pixels as given, without fitting them again: samples and single cells. */
function show(given: Uint8Array<ArrayBuffer>): void {
  const at = pen();
  at.clearRect(0, 0, BOARD, BOARD);
  given.forEach((v, i) => {
    at.fillStyle = `rgba(0,0,0,${v / 255})`;
    if (v) at.fillRect((i % SIDE) * 10, Math.floor(i / SIDE) * 10, 10, 10);
  });
  pixels.value = given;
}

export function sample(index: number): void {
  remember();
  show(sampleOf(index));
}

function shift(down: number, right: number): void {
  remember();
  if (centring.value) {
    const image = pen().getImageData(0, 0, BOARD, BOARD);
    pen().clearRect(0, 0, BOARD, BOARD);
    pen().putImageData(image, right * 10, down * 10);
    look();
    told.value = "Moved on the board. The network sees the same: centring undoes it.";
  } else {
    const moved = new Uint8Array(SIDE * SIDE);
    pixels.value.forEach((v, i) => {
      const r = Math.floor(i / SIDE) + down, c = (i % SIDE) + right;
      if (r >= 0 && r < SIDE && c >= 0 && c < SIDE) moved[r * SIDE + c] = v;
    });
    show(moved);
    told.value = "Moved by one pixel, for the network too.";
  }
}

/** The first drawing: one of the samples. */
export function begin(): void {
  board = document.querySelector("#board")!;
  sample(Math.min(7, sent.samples.length - 1));
  past = [];
}

let last: [number, number] | null = null; // where the pointer was, while it draws
function Board() {
  const where = (e: PointerEvent): [number, number] => {
    const box = board.getBoundingClientRect();
    return [((e.clientX - box.left) * BOARD) / box.width, ((e.clientY - box.top) * BOARD) / box.height];
  };
  return (
    <canvas
      id="board" width={BOARD} height={BOARD} role="img" aria-label="Drawing board. To draw with the keyboard use the grid of 28 by 28 cells below."
      onPointerDown={(e) => { remember(); board.setPointerCapture(e.pointerId); last = where(e); stroke(last, last); lookSoon(); }}
      onPointerMove={(e) => {
        if (!last) return;
        const now = where(e);
        stroke(last, now);
        last = now;
        lookSoon();
      }}
      onPointerUp={() => (last = null)} onPointerCancel={() => (last = null)}
    />
  );
}

/** What the network sees, and a way to set each cell with the keyboard. */
function Cells() {
  const paint = (canvas: HTMLCanvasElement): void => {
    const at = canvas.getContext("2d")!, [row, column] = cursor.value;
    pixels.value.forEach((v, i) => {
      at.fillStyle = `rgb(${colour(v, 255).join()})`;
      at.fillRect((i % SIDE) * 7, Math.floor(i / SIDE) * 7, 7, 7);
    });
    at.strokeStyle = dark.value ? "#fff" : "#000";
    at.strokeRect(column * 7 + 0.5, row * 7 + 0.5, 6, 6);
  };
  const move = (e: KeyboardEvent): void => {
    const [row, column] = cursor.value, seen = pixels.value;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (step) cursor.value = [Math.min(27, Math.max(0, row + step[0]!)), Math.min(27, Math.max(0, column + step[1]!))];
    else if (e.key === " ") {
      const next = seen.slice();
      next[row * SIDE + column] = seen[row * SIDE + column]! > 127 ? 0 : 255;
      show(next);
    } else return;
    e.preventDefault();
    const [r, c] = cursor.value;
    told.value = `row ${r}, column ${c}: ${pixels.value[r * SIDE + c]! > 127 ? "ink" : "empty"}`;
  };
  return (
    <canvas
      id="cells" live={paint} width={196} height={196} tabIndex={0} role="application" onKeyDown={move}
      aria-label="What the network sees: 28 by 28 cells. Arrow keys move, space sets or clears a cell."
    />
  );
}

function Guess() {
  const shares = share.value, given = scores.value;
  if (!shares || !given) return <p class="note">No scores: {missing.value}</p>;
  const order = shares.map((_, i) => i).sort((a, b) => given[b]! - given[a]!);
  return (
    <>
      <p id="guess" role="status">First guess <b>{sent.classes[order[0]!]}</b>, second <b>{sent.classes[order[1]!]}</b>.</p>
      <table class="bars">
        <caption>Scores (what fc2 gives) and the same as shares of 1 (softmax)</caption>
        <thead><tr><th scope="col">class</th><th scope="col"><span class="sr">bar</span></th><th scope="col">share</th><th scope="col">score</th></tr></thead>
        <tbody>
          {shares.map((s, i) => (
            <tr class={i === order[0] ? "first" : ""}>
              <th scope="row">{sent.classes[i]}</th>
              <td class="bar"><i style={{ width: `${(100 * s).toFixed(1)}%` }} /></td>
              <td>{s.toFixed(3)}</td><td>{given[i]!.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Draw() {
  return (
    <>
      <h2 id="draw-h">1. Draw</h2>
      <div class="boards">
        <div>
          <Board />
          <div class="tools">
            <button aria-pressed={!eraser.value} onClick={() => (eraser.value = false)}>Pen</button>
            <button aria-pressed={eraser.value} onClick={() => (eraser.value = true)}>Eraser</button>
            <button onClick={undo}>Undo</button>
            <button onClick={clear}>Clear</button>
          </div>
          <div class="tools" role="group" aria-label="Move the drawing">
            <span>Move</span>
            <button aria-label="Move up" onClick={() => shift(-1, 0)}>{"\u2191"}</button>
            <button aria-label="Move down" onClick={() => shift(1, 0)}>{"\u2193"}</button>
            <button aria-label="Move left" onClick={() => shift(0, -1)}>{"\u2190"}</button>
            <button aria-label="Move right" onClick={() => shift(0, 1)}>{"\u2192"}</button>
          </div>
          <div class="tools" role="group" aria-label="Sample digits">
            <span>Samples</span>
            {sent.samples.map((s, i) => <button aria-label={`Sample ${s.label}`} onClick={() => sample(i)}>{s.label}</button>)}
          </div>
        </div>
        <div>
          <h3>What the network sees</h3>
          <Cells />
          <p class="note">The ink is fitted into 20 x 20, its centre of mass put in the middle of 28 x 28, as MNIST was made. Then (value - {sent.mean.toFixed(4)}) / {sent.std.toFixed(4)}.</p>
          <label><input type="checkbox" checked={!centring.value} onChange={(e) => { centring.value = !e.currentTarget.checked; look(); }} /> skip the fitting and centring</label>
          <p class="note" role="status" live={() => told.value} />
        </div>
      </div>
      <div live={Guess} />
    </>
  );
}
