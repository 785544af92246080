// Which eviction: hit rates of well-known policies, each key alone, and of ours, on segments, all bounded in
// the same bytes. Nothing is timed: the figures are the same in each run and on each machine.

import { KiB } from '../src/core/bytes.ts';
import { RandomSim } from '../src/testing/random-sim.ts';
import { ByteCacheContender } from './byte-cache-row.ts';
import { GUARDS, TRACES, type Trace, valueBytesOf } from './cache-traces.ts';
import { Arc, type EvictionPolicy, Lru, S3Fifo, Sieve } from './eviction-policies.ts';
import { type Bar, publish, QUICK } from './report.ts';
import { SegmentModel } from './segment-model.ts';

const KEYS = 20_000;
const ASKS = QUICK ? 100_000 : 400_000;
const SHARES = QUICK ? [0.02, 0.25] : [0.01, 0.02, 0.05, 0.1, 0.25, 0.5];
const ALL_BYTES = Array.from({ length: KEYS }, (_, key) => valueBytesOf(key)).reduce((sum, one) => sum + one);

/** A policy on segments copies what it spares; then it tells how much. */
type Contender = EvictionPolicy & { readonly copiedPerByte?: number; close?(): void };

/** @param keys all keys are below. */
type Open = (bytes: number, keys: number) => Contender;

const KNOWN = {
  LRU: (bytes, keys) => new Lru(bytes, keys),
  SIEVE: (bytes, keys) => new Sieve(bytes, keys),
  'S3-FIFO': (bytes, keys) => new S3Fifo(bytes, keys),
  ARC: (bytes, keys) => new Arc(bytes, keys),
} satisfies Record<string, Open>;

/** Those that are held to the bars. */
const OURS = {
  'our model': (bytes) => new SegmentModel(bytes),
  ByteCache: (bytes) => new ByteCacheContender(bytes),
} satisfies Record<string, Open>;

interface Figure {
  readonly hits: number;
  readonly copiedPerByte: number | null;
}

/** One trace at one size of the cache; figures by contender. */
interface Round {
  readonly trace: string;
  readonly share: number;
  readonly figures: ReadonlyMap<string, Figure>;
}

function asksOf(trace: Trace, cacheBytes: number): Int32Array {
  return Int32Array.from(trace(new RandomSim(1), { keys: KEYS, asks: ASKS, cacheBytes }));
}

const keysOf = (asks: Int32Array) => asks.reduce((most, key) => Math.max(most, key), 0) + 1;

function hitRate(policy: EvictionPolicy, asks: Int32Array): number {
  let hits = 0;
  for (const key of asks) if (policy.ask(key)) hits += 1;
  return (100 * hits) / asks.length;
}

function roundOf(
  name: string,
  trace: Trace,
  share: number,
  contenders: Readonly<Record<string, Open>>,
): Round {
  const cacheBytes = Math.floor(ALL_BYTES * share);
  const asks = asksOf(trace, cacheBytes);
  const figures = new Map<string, Figure>();
  for (const [contender, open] of Object.entries(contenders)) {
    const policy = open(cacheBytes, keysOf(asks));
    figures.set(contender, { hits: hitRate(policy, asks), copiedPerByte: policy.copiedPerByte ?? null });
    policy.close?.();
  }
  return { trace: name, share, figures };
}

function roundsOf(
  traces: Readonly<Record<string, Trace>>,
  contenders: Readonly<Record<string, Open>>,
): Round[] {
  return Object.entries(traces).flatMap(([name, trace]) =>
    SHARES.map((share) => roundOf(name, trace, share, contenders)),
  );
}

/** Points of hit rate above LRU; below it they are negative. */
function aboveLru({ figures }: Round, contender: string): number {
  return (figures.get(contender)?.hits ?? Number.NaN) - (figures.get('LRU')?.hits ?? Number.NaN);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const points = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(2)}`;

/** Copies of this contender for a byte that is written, mean of the rounds; none if it does not copy. */
function copiesOf(rounds: readonly Round[], contender: string): number | null {
  const copies = rounds.map(({ figures }) => figures.get(contender)?.copiedPerByte ?? null);
  return copies.includes(null) ? null : mean(copies.map(Number));
}

function barsOf(rounds: readonly Round[]): Bar[] {
  return Object.keys(OURS).flatMap((name) => {
    const worst = Math.max(0, ...rounds.map((round) => -aboveLru(round, name)));
    const copies = copiesOf(rounds, name);
    const hits: Bar = { what: `${name}: below LRU, worst`, unit: 'points', runs: [worst], atMost: 1 };
    if (copies === null) return [hits];
    return [hits, { what: `${name}: copied per byte`, unit: 'x', runs: [copies], atMost: 1 }];
  });
}

function aheadNote(rounds: readonly Round[], contender: string): string {
  const traces = Object.keys(TRACES);
  const ahead = traces.filter((name) =>
    rounds.every((round) => round.trace !== name || aboveLru(round, contender) > 0),
  );
  return `${contender} is ahead of LRU at each size on ${ahead.length} traces of ${traces.length}.`;
}

/** Half the asks with the whole cache, and the rest with half of it, given back at once. */
function shrinkRow(name: string, trace: Trace, share: number): string[] {
  const cacheBytes = Math.floor(ALL_BYTES * share);
  const asks = asksOf(trace, cacheBytes);
  const [before, after] = [asks.subarray(0, ASKS / 2), asks.subarray(ASKS / 2)];
  const [lru, model] = [new Lru(cacheBytes, keysOf(asks)), new SegmentModel(cacheBytes)];
  const whole = [lru, model].map((policy) => hitRate(policy, before));
  lru.shrinkTo(cacheBytes / 2);
  const copiedBefore = model.copiedBytes;
  for (let left = model.segments / 2; left >= 1; left -= 1) model.shrink();
  const copied = (model.copiedBytes - copiedBefore) / cacheBytes;
  const halved = [lru, model].map((policy) => hitRate(policy, after));
  return [name, sizeOf(share), ...[...whole, ...halved].map((rate) => rate.toFixed(2)), copied.toFixed(2)];
}

const sizeOf = (share: number) => `${share * 100} %`;
const rounds = roundsOf(TRACES, { ...KNOWN, ...OURS });
publish({
  title: 'Eviction',
  about:
    `Hit rate in percent of ${ASKS.toLocaleString('en')} asks, from an empty cache, for ` +
    `${KEYS.toLocaleString('en')} keys with values of 1 to 16 KiB, each order of size equally often. ` +
    `The cache holds a share of ${Math.round(ALL_BYTES / KiB / KiB)} MiB.`,
  columns: ['trace', 'holds', ...Object.keys(KNOWN), ...Object.keys(OURS), 'copied per byte'],
  rows: rounds.map(({ trace, share, figures }) => [
    trace,
    sizeOf(share),
    ...[...figures.values()].map(({ hits }) => hits.toFixed(2)),
    ...Object.keys(OURS)
      .slice(0, 1)
      .map((name) => figures.get(name)?.copiedPerByte?.toFixed(2) ?? ''),
  ]),
  bars: barsOf(rounds),
  notes: Object.keys(OURS).map((name) => aheadNote(rounds, name)),
});

publish({
  title: 'Eviction, when the cache is halved in use',
  about: 'Hit rates before and after half of the memory is given back at once; LRU is halved too.',
  columns: [
    'trace',
    'holds',
    'LRU, whole',
    'our model, whole',
    'LRU, half',
    'our model, half',
    'copied, of all',
  ],
  rows: Object.entries(TRACES).flatMap(([name, trace]) =>
    [0.1, 0.5].map((share) => shrinkRow(name, trace, share)),
  ),
  bars: [],
  notes: [],
});

const guards = roundsOf(GUARDS, { LRU: KNOWN.LRU, 'our model': OURS['our model'] });
publish({
  title: 'Eviction, on other traces',
  about:
    'Points of hit rate above LRU of our model, at the same sizes: what keeps it from being made to measure.',
  columns: ['trace', ...SHARES.map(sizeOf), 'copied per byte'],
  rows: Object.keys(GUARDS).map((name) => {
    const own = guards.filter(({ trace }) => trace === name);
    const above = own.map((round) => points(aboveLru(round, 'our model')));
    return [name, ...above, copiesOf(own, 'our model')?.toFixed(2) ?? ''];
  }),
  bars: [],
  notes: [
    'What is lost on windows, and on loops that just fit LRU, is space: the ends of segments, and two that ' +
      'are open. Keys that are asked for twice and never again are taken for favourites.',
  ],
});
