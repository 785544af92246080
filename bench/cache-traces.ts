// Traces to judge an eviction policy by: which key is asked for next. They are made by rule, from one seed,
// so each run sees the same asks. The first four are those that decide; the guards keep a policy from being
// made to measure for them.
import { KiB } from '../src/core/bytes.ts';
import type { RandomSim } from '../src/testing/random-sim.ts';

export interface TraceSize {
  /** How many keys a popular set has. Scans and births bring others, numbered from here on. */
  readonly keys: number;
  readonly asks: number;
  /** What the cache holds; a loop is longer or shorter than that. */
  readonly cacheBytes: number;
}

export type Trace = (random: RandomSim, size: TraceSize) => Generator<number>;

/** 1 to 16 KiB, each order of size equally often, and always the same for a key. */
export function valueBytesOf(key: number): number {
  let mixed = Math.imul(key + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = (mixed ^ (mixed >>> 13)) >>> 0;
  return Math.floor(KiB * 16 ** (mixed / 2 ** 32));
}

/** Ranks from 0: the n-th is drawn in proportion to 1 / n^skew. */
export function zipf(random: RandomSim, keys: number, skew: number): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank += 1) {
    sum += 1 / (rank + 1) ** skew;
    sums[rank] = sum;
  }
  return () => {
    const wanted = random.next() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** A few keys are wanted much, most hardly ever, and that never changes: pages, thumbnails, users. */
function favourites(skew: number): Trace {
  return function* (random, { keys, asks }) {
    const next = zipf(random, keys, skew);
    for (let ask = 0; ask < asks; ask += 1) yield next();
  };
}

/** Favourites, and now and then a backup or an export that reads keys which nobody asks for again. */
function scans(length: number, every: number): Trace {
  return function* (random, { keys, asks }) {
    const next = zipf(random, keys, 0.9);
    let scanned = keys;
    for (let ask = 0; ask < asks; ask += 1) yield ask % every < length ? scanned++ : next();
  };
}

/** Favourites that are others after a while: what was wanted most is then wanted least, at once. */
function shifts(every: number, distance: number): Trace {
  return function* (random, { keys, asks }) {
    const next = zipf(random, keys, 0.9);
    for (let ask = 0; ask < asks; ask += 1) yield (next() + Math.floor(ask / every) * distance) % keys;
  };
}

/** How many keys from `first` on hold so many bytes. */
function keysIn(bytes: number, first: number): number {
  let count = 0;
  for (let sum = 0; sum < bytes; count += 1) sum += valueBytesOf(first + count);
  return count;
}

/** One job that reads its data again and again, so many times as large as the cache. */
function loop(factor: number): Trace {
  return function* (_random, { asks, cacheBytes }) {
    const length = keysIn(cacheBytes * factor, 0);
    for (let ask = 0; ask < asks; ask += 1) yield ask % length;
  };
}

/** A server with several users: favourites, a loop of 0.6 x the cache and a scan, ask by ask. */
const mixture: Trace = function* (random, { keys, asks, cacheBytes }) {
  const next = zipf(random, keys, 0.9);
  const length = keysIn(0.6 * cacheBytes, keys);
  let [looped, scanned] = [0, 0];
  for (let ask = 0; ask < asks; ask += 1) {
    const part = random.next();
    if (part < 0.6) yield next();
    else yield part < 0.9 ? keys + (looped++ % length) : 3 * keys + scanned++;
  }
};

/** The kind of use changes as a whole: favourites for a time, then a loop of 1.1 x the cache, and so on. */
const phases: Trace = function* (random, { keys, asks, cacheBytes }) {
  const next = zipf(random, keys, 0.9);
  const length = keysIn(1.1 * cacheBytes, keys);
  for (let ask = 0; ask < asks; ask += 1) {
    yield Math.floor(ask / 40_000) % 2 === 0 ? next() : keys + (ask % length);
  }
};

/** Each key is asked for twice, and never again, with so many asks between: a write that is read once. */
function twice(between: number): Trace {
  return function* (random, { keys, asks }) {
    const next = zipf(random, keys, 0.9);
    for (let ask = 0; ask < asks; ask += 1) {
      const turn = ask >> 1;
      if (ask % 2 === 0) yield next();
      else yield keys + (turn % (2 * between) < between ? turn : turn - between);
    }
  };
}

/** News: new keys come all the time, and each is wanted the less the older it is. */
function decay(askPerBirth: number): Trace {
  return function* (random, { keys, asks }) {
    const age = zipf(random, keys, 1);
    for (let ask = 0; ask < asks; ask += 1) yield keys + Math.floor(ask / askPerBirth) - age();
  };
}

/** A window that slides over the keys, within which all are wanted alike: time series, sessions. */
function window(width: number, askPerStep: number): Trace {
  return function* (random, { asks }) {
    for (let ask = 0; ask < asks; ask += 1) yield Math.floor(ask / askPerStep) + random.between(0, width - 1);
  };
}

export const TRACES: Readonly<Record<string, Trace>> = {
  'Zipf 0.9': favourites(0.9),
  'Zipf 0.9 with scans': scans(5_000, 25_000),
  'Zipf 0.9 that shifts': shifts(20_000, 997),
  'loop, 1.2 x the cache': loop(1.2),
};

export const GUARDS: Readonly<Record<string, Trace>> = {
  'Zipf 0.7': favourites(0.7),
  'Zipf 1.1': favourites(1.1),
  'shift: 5,000 asks, by 199': shifts(5_000, 199),
  'shift: 5,000 asks, by 5,003': shifts(5_000, 5_003),
  'shift: 20,000 asks, by 199': shifts(20_000, 199),
  'shift: 20,000 asks, by 5,003': shifts(20_000, 5_003),
  'shift: 100,000 asks, by 5,003': shifts(100_000, 5_003),
  'scans of 500, one ask in five': scans(500, 2_500),
  'scans of 20,000, one ask in two': scans(20_000, 40_000),
  'loop, 0.9 x': loop(0.9),
  'loop, 0.98 x': loop(0.98),
  'loop, 1.05 x': loop(1.05),
  'loop, 1.5 x': loop(1.5),
  'loop, 3 x': loop(3),
  mixture: mixture,
  phases: phases,
  'twice, 100 between': twice(100),
  'twice, 1,000 between': twice(1_000),
  'decay, a birth in 20 asks': decay(20),
  'decay, a birth in 3 asks': decay(3),
  'window of 2,000, a step in 10 asks': window(2_000, 10),
  'window of 2,000, a step in 2 asks': window(2_000, 2),
};
