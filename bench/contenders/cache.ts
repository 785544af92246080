// One cache under one workload, in a process of its own whose resident memory is read: `cache.ts KIND BYTES`.
// Prints one line of JSON. Values of 1 to 16 KiB, keys made anew for each call, as in a server.
import { readFileSync } from 'node:fs';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import QuickLRU from 'quick-lru';
import { ByteCache } from '../../src/buffers/byte-cache.ts';
import { KiB } from '../../src/core/bytes.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { zipf } from '../cache-traces.ts';
import { percentile } from '../figures.ts';

const LEAST_BYTES = KiB;
const MOST_BYTES = 16 * KiB;
const MEAN_BYTES = (LEAST_BYTES + MOST_BYTES) / 2;
/** Keys, as a share of what fits. */
const KEYS = 1.5;
const TICKS = 20_000;
const CALLS_IN_TICK = 50;
const RAW_GETS = 500_000;
/** Reads one byte of each cache line of a value. */
const STRIDE = 64;

interface Contender {
  set(key: string, value: Uint8Array): void;
  /** Uses the value where it is; `false`: not there. */
  use(key: string): boolean;
  halve(): void | Promise<void>;
  readonly valueBytes: number;
}

let sink = 0;
function sum(bytes: Uint8Array, begin: number, end: number): void {
  for (let at = begin; at < end; at += STRIDE) sink += bytes[at] as number;
}

/** Of a cache that hands out the object that it keeps. */
function used(value: Uint8Array | undefined): boolean {
  if (value !== undefined) sum(value, 0, value.length);
  return value !== undefined;
}

function ours(bytes: number, view: boolean): Contender {
  const cache = new ByteCache('bench', { bytes });
  return {
    set: (key, value) => void cache.set(key, value),
    use: (key) => {
      const lease = cache.get(key);
      if (lease === null) return false;
      if (view) {
        const { bytes: value } = lease;
        sum(value, 0, value.length);
      } else sum(lease.memory, lease.begin, lease.begin + lease.length);
      lease.release();
      return true;
    },
    halve: () => cache.setBytes(bytes / 2),
    get valueBytes() {
      return cache.stats.bytes;
    },
  };
}

function lru(maxSize: number): Contender {
  const cache = new LRUCache<string, Uint8Array>({ maxSize, sizeCalculation: ({ length }) => length });
  return {
    set: (key, value) => void cache.set(key, Buffer.from(value)),
    use: (key) => used(cache.get(key)),
    halve: () => {
      while (cache.calculatedSize > maxSize / 2) cache.pop();
    },
    get valueBytes() {
      return cache.calculatedSize;
    },
  };
}

/** It keeps up to twice its maxSize, so half of what fits is its size. */
function quickLru(bytes: number): Contender {
  const maxSize = Math.floor(bytes / MEAN_BYTES / 2);
  const cache = new QuickLRU<string, Uint8Array>({ maxSize });
  return {
    set: (key, value) => void cache.set(key, Buffer.from(value)),
    use: (key) => used(cache.get(key)),
    halve: () => cache.resize(maxSize / 2),
    get valueBytes() {
      let total = 0;
      for (const [, value] of cache) total += value.length;
      return total;
    },
  };
}

/** What came first goes first. */
function plainMap(bytes: number): Contender {
  const map = new Map<string, Uint8Array>();
  let total = 0;
  const evictTo = (most: number) => {
    for (const [key, value] of map) {
      if (total <= most) return;
      map.delete(key);
      total -= value.length;
    }
  };
  return {
    set: (key, value) => {
      total += value.length - (map.get(key)?.length ?? 0);
      map.set(key, Buffer.from(value));
      evictTo(bytes);
    },
    use: (key) => used(map.get(key)),
    halve: () => evictTo(bytes / 2),
    get valueBytes() {
      return total;
    },
  };
}

const KINDS: Readonly<Record<string, (bytes: number) => Contender>> = {
  ByteCache: (bytes) => ours(bytes, false),
  'ByteCache, a view each': (bytes) => ours(bytes, true),
  'lru-cache': lru,
  'quick-lru': quickLru,
  Map: plainMap,
};

function residentBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return KiB * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

const [kind = '', capacity = ''] = process.argv.slice(2);
const bytes = Number(capacity);
const random = new RandomSim(1);
const keys = Math.floor((KEYS * bytes) / MEAN_BYTES);
const nextRank = zipf(random, keys, 0.9);
const ranks = Uint32Array.from({ length: TICKS * CALLS_IN_TICK }, nextRank);
const scratch = new Uint8Array(MOST_BYTES).map(() => random.between(0, 255));
const keyOf = (index: number) => `page:${index}:en`;
const bytesFor = (index: number) =>
  scratch.subarray(0, LEAST_BYTES + ((Math.imul(index, 0x9e3779b1) >>> 0) % (MOST_BYTES - LEAST_BYTES)));
const cache = (KINDS[kind] as (bytes: number) => Contender)(bytes);

const beforeBytes = residentBytes();
const filled = Math.floor(keys / KEYS);
for (let index = 0; index < filled; index += 1) cache.set(keyOf(index), bytesFor(index));
const setStartMs = performance.now();
for (let index = filled; index < keys; index += 1) cache.set(keyOf(index), bytesFor(index));
const setNs = ((performance.now() - setStartMs) * 1e6) / (keys - filled);

const ticksMs: number[] = [];
let hits = 0;
for (let tick = 0; tick < TICKS; tick += 1) {
  const startMs = performance.now();
  for (let call = 0; call < CALLS_IN_TICK; call += 1) {
    // Ranks are spread over keys, so that what is asked for often was not all written at one time.
    const index = ((ranks[tick * CALLS_IN_TICK + call] as number) * 7919) % keys;
    if (cache.use(keyOf(index))) hits += 1;
    else cache.set(keyOf(index), bytesFor(index));
  }
  ticksMs.push(performance.now() - startMs);
  await turn();
}
const payloadBytes = cache.valueBytes;
const fullBytes = residentBytes();

const present: number[] = [];
for (let index = keys - 1; index >= 0 && present.length < 100_000; index -= 1)
  if (cache.use(keyOf(index))) present.push(index);
const getStartMs = performance.now();
for (let get = 0; get < RAW_GETS; get += 1)
  cache.use(keyOf(present[random.between(0, present.length - 1)] as number));
const getNs = ((performance.now() - getStartMs) * 1e6) / RAW_GETS;

const halvedBytes = residentBytes();
let longestMs = 0;
let beatMs = performance.now();
let beats = true;
const heart = (async () => {
  while (beats) {
    await turn();
    longestMs = Math.max(longestMs, performance.now() - beatMs);
    beatMs = performance.now();
  }
})();
const halveStartMs = performance.now();
await cache.halve();
const halveMs = performance.now() - halveStartMs;
await turn();
beats = false;
await heart;
await pause(Math.max(0, 1_000 - (performance.now() - halveStartMs)));
console.log(
  JSON.stringify({
    setNs,
    getNs,
    hitRate: hits / (TICKS * CALLS_IN_TICK),
    tickMs: percentile(ticksMs, 0.5),
    pauseMs: percentile(ticksMs, 0.999),
    worstMs: Math.max(...ticksMs),
    payloadBytes,
    overheadBytes: fullBytes - beforeBytes - payloadBytes,
    returnedBytes: halvedBytes - residentBytes(),
    halveMs,
    blockedMs: longestMs,
    sink: sink > 0,
  }),
);
