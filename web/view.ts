// What JSX becomes: a description of elements, made true in the document by as few changes as possible.
//
// A component is a function of its props, nothing more; what changes lives in signals. An element with `live={(element) => ...}` draws its
// own inside, and again whenever a signal read there changes; a canvas is painted there. Text reaches the document as text nodes only.

import type { JSX as Known } from "preact";
import { type Signal, effect, signal } from "./core/signals";

type Props = Record<string, any>;
export interface Made { type: string | ((props: any) => Child); props: Props; key?: string | number }
export type Child = Made | string | number | boolean | null | undefined | void | Child[];
type Live = (element: any) => Child;

export function make(type: Made["type"], props: Props | null, ...children: Child[]): Made {
  return { type, props: { ...props, children }, key: props?.key };
}

export namespace make {
  export namespace JSX {
    export type Element = Made;
    export type ElementType = keyof IntrinsicElements | ((props: any) => Child);
    export interface ElementChildrenAttribute { children: unknown }
    export interface IntrinsicAttributes { key?: string | number }
    export type IntrinsicElements = { [Tag in keyof Known.IntrinsicElements]: Known.IntrinsicElements[Tag] & { live?: Live } };
  }
}

export const Fragment = ({ children }: { children?: Child }): Child => children;

/** The elements and texts a description comes to, each with its place, which is the same from one drawing to the next. */
function flat(child: Child, at: string, found: Map<string, Made | string>): void {
  if (child === null || child === undefined || typeof child === "boolean") return;
  if (Array.isArray(child)) child.forEach((each, i) => flat(each, `${at}.${i}`, found));
  else if (typeof child !== "object") found.set(at, String(child));
  else {
    const place = child.key === undefined ? at : `${at.replace(/\d+$/, "")}:${child.key}`;
    if (typeof child.type === "string") found.set(`${place} ${child.type}`, child);
    else flat(child.type(child.props), place, found);
  }
}

const inside = new WeakMap<Element, Map<string, Element | Text>>(), given = new WeakMap<Element, Props>(), lives = new WeakMap<Element, Signal<Live>>();

/** Makes the inside of an element what is described; what is there already stays, with its focus. */
export function draw(parent: Element, child: Child): void {
  const wanted = new Map<string, Made | string>(), before = inside.get(parent), after = new Map<string, Element | Text>();
  flat(child, "", wanted);
  before?.forEach((node, place) => wanted.has(place) || node.remove());
  let next = before ? parent.firstChild : null;
  for (const [place, made] of wanted) {
    const node = before?.get(place) ?? (typeof made === "string" ? new Text(made) : created(parent, made));
    if (node instanceof Element) update(node, (made as Made).props);
    else if (node.data !== made) node.data = made as string;
    if (node === next) next = node.nextSibling;
    else parent.insertBefore(node, next);
    after.set(place, node);
  }
  inside.set(parent, after);
}

function created(parent: Element, { type }: Made): Element {
  const element = document.createElementNS(type === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI, type as string);
  if (element instanceof HTMLButtonElement) element.type = "button"; // no form is ever sent
  return element;
}

function update(element: Element, props: Props): void {
  const before = given.get(element) ?? {}, live = lives.get(element);
  given.set(element, props);
  if (live) live.value = props.live;
  else if (props.live) islet(element, props.live);
  else draw(element, props.children);
  for (const name in { ...before, ...props }) { // after the inside: a <select> takes a value that it offers
    if (!["children", "key", "live"].includes(name) && (before[name] !== props[name] || OWN.includes(name))) set(element, name, props[name]);
  }
}

/** An element that draws its own inside until it is taken out of the document. */
function islet(element: Element, first: Live): void {
  const live = signal(first);
  let drawn = false;
  lives.set(element, live);
  const end = effect(() => {
    if (drawn && !element.isConnected) return end();
    draw(element, live.value(element));
    drawn = true;
  });
}

const OWN = ["value", "checked"]; // what the reader changes too

function set(element: any, name: string, value: any): void {
  if (name.startsWith("on")) element[name.toLowerCase()] = value;
  else if (name === "style") Object.assign(element.style, value);
  else if (OWN.includes(name)) { if (String(element[name]) !== String(value)) element[name] = value; }
  else if (value === undefined || value === null || (value === false && !name.startsWith("aria-"))) element.removeAttribute(name);
  else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
}
