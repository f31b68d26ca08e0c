// What Python sent: the model's sizes as expression trees, its calls with their weights, ten sample digits.

import type { Model } from "../core/model";

export type Knob = number | number[] | boolean | string;

/** One call of the graph: the operator, the layer it belongs to, its weights by name, its settings as they were. */
export interface Step { op: string; path: string; type: string; weights: Record<string, string>; knobs: Record<string, Knob> }
export interface Sample { label: string; pixels: string; scores: number[] }

export interface Sent {
  schema: string;
  title: string;
  model: Model;
  steps: Step[];
  runs: boolean; // whether the page knows every operator's arithmetic
  weights: Record<string, { shape: number[]; data: string }>;
  mean: number;
  std: number;
  classes: string[];
  samples: Sample[];
  about: string[];
  server: boolean;
}

export interface Weights { shape: number[]; data: Float32Array }

export let sent: Sent;
export const weights = new Map<string, Weights>();

export function receive(data: Sent): void {
  sent = data;
  for (const [name, { shape, data: text }] of Object.entries(data.weights)) weights.set(name, { shape, data: floats(text) });
}

/** Base64 as bytes. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** Base64 of little-endian float32 as numbers. */
export function floats(text: string): Float32Array {
  return new Float32Array(bytes(text).buffer);
}

export function base64(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

export const count = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** How a call is called on the page: its layer's path, or its operator where no layer stands behind it. */
export const nameOf = (node: number): string => sent.steps[node]!.path || sent.steps[node]!.op.replace("Tensor.", "");
