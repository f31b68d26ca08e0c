// Values that know who reads them: a change reruns what was computed from it, once, after the current work is done.

interface Reader { stale(): void; sources: Set<Set<Reader>> }

let reader: Reader | undefined;

function track(readers: Set<Reader>): void {
  if (!reader) return;
  readers.add(reader);
  reader.sources.add(readers);
}

/** Runs `work` and notes what it reads; what was noted before is forgotten. */
function read<T>(by: Reader, work: () => T): T {
  for (const readers of by.sources) readers.delete(by);
  by.sources.clear();
  const outer = reader;
  reader = by;
  try {
    return work();
  } finally {
    reader = outer;
  }
}

const tell = (readers: Set<Reader>): void => [...readers].forEach((each) => each.stale());

export interface Signal<T> { value: T }

export function signal<T>(held: T): Signal<T> {
  const readers = new Set<Reader>();
  return {
    get value() { track(readers); return held; },
    set value(next) {
      if (next === held) return;
      held = next;
      tell(readers);
    },
  };
}

export function computed<T>(work: () => T): { readonly value: T } {
  const readers = new Set<Reader>();
  let held: T, fresh = false;
  const me: Reader = { sources: new Set(), stale: () => { if (fresh) { fresh = false; tell(readers); } } };
  return {
    get value() {
      track(readers);
      if (!fresh) {
        held = read(me, work);
        fresh = true;
      }
      return held;
    },
  };
}

/** Runs `work` now and after every change of what it read; it may give back what is to be done before it runs again. */
export function effect(work: () => void | (() => void)): () => void {
  let undo: void | (() => void), waiting = false, ended = false;
  const run = () => {
    waiting = false;
    if (ended) return;
    undo?.();
    undo = read(me, work);
  };
  const me: Reader = { sources: new Set(), stale: () => { if (!waiting) { waiting = true; queueMicrotask(run); } } };
  run();
  return () => {
    ended = true;
    undo?.();
  };
}
