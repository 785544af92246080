// The plan alone: how long it takes for 100 to 100,000 drivers with mixed weights, minima, maxima, floors
// and ceilings, and whether that grows as n log n. Beside it a sort of as many pairs of numbers, which is
// n log n by nature.
import { GiB, KiB, MiB, TiB } from '../src/core/bytes.ts';
import { type PlanDriver, type PlanInput, plan } from '../src/core/plan.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const SIZES = [100, 1_000, 10_000, 100_000];
const RUNS = QUICK ? 5 : 15;
const BAR_MS = 150;

/** The same numbers in each run of this file. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function driverOf(index: number, random: () => number): PlanDriver {
  const costBytes = Math.floor(random() * 8 * MiB);
  const has = (share: number) => random() < share;
  const floorBytes = has(0.5) ? Math.floor(random() * MiB) : 0;
  const ceilingBytes = has(0.05) ? 0 : has(0.4) ? floorBytes + Math.floor(random() * 20 * MiB) : null;
  return {
    name: `driver ${index}`,
    weight: has(0.5) ? 1 : 0.1 + random() * 10,
    minBytes: has(0.3) ? Math.floor(random() * 4 * MiB) : 0,
    maxBytes: has(0.3) ? Math.floor(random() * 32 * MiB) : null,
    floorBytes,
    ceilingBytes,
    stepBytes: has(0.3) ? 64 * KiB : 1,
    costBytes,
    committedBytes: costBytes,
    frozen: has(0.01) ? 'stuck: an earlier call has not returned' : null,
    why: {},
  };
}

/** Not pressed, two rooms are reckoned and filled: that is the plan of a pass without a change. */
function inputOf(count: number, pressed: boolean): PlanInput {
  const random = chance(count);
  const usableBytes = count * 8 * MiB + GiB;
  return {
    levels: [
      { name: '/app', limitBytes: usableBytes, unmanagedBytes: 100 * MiB },
      { name: '/', limitBytes: usableBytes * 2, unmanagedBytes: GiB },
      { name: 'machine', limitBytes: 64 * TiB, unmanagedBytes: 4 * GiB },
    ],
    usableBytes,
    cpus: 2,
    reserveBytes: GiB,
    drivers: Array.from({ length: count }, (_, index) => driverOf(index, random)),
    growthHeld: null,
    pressed,
  };
}

function timeMs(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function sortPairs(count: number): () => unknown {
  const random = chance(count);
  const points = Array.from({ length: 2 * count }, () => ({ level: random(), slope: random() }));
  return () => [...points].sort((a, b) => a.level - b.level);
}

const planMs = new Map<number, number[]>(SIZES.map((size) => [size, []]));
const sortMs = new Map<number, number[]>(SIZES.map((size) => [size, []]));
const calmMs: number[] = [];
const calm = inputOf(100_000, false);
const inputs = SIZES.map((size) => ({ size, input: inputOf(size, true), sort: sortPairs(size) }));
for (let index = 0; index < 200; index += 1) plan(inputs[0]?.input ?? inputOf(10, true));
for (let run = 0; run < RUNS; run += 1) {
  for (const { size, input, sort } of inputs) {
    // Short ones are measured over as many plans as make up 20,000 drivers.
    const times = Math.max(1, 20_000 / size);
    const repeat = (work: () => unknown) => timeMs(() => Array.from({ length: times }, work)) / times;
    planMs.get(size)?.push(repeat(() => plan(input)));
    sortMs.get(size)?.push(repeat(sort));
  }
  calmMs.push(timeMs(() => plan(calm)));
}

const at = (size: number) => median(planMs.get(size) ?? []);
const nLogN = (size: number) => size * Math.log2(size);
publish({
  title: 'Planning',
  about:
    'One plan for n drivers, half of them with a weight of their own, a third each with minimum, maximum ' +
    `and step, half with a floor, four in ten with a ceiling, over three levels. ${RUNS} runs, each of ` +
    'all sizes in turn.',
  columns: ['drivers', 'ms', 'ns per n log2 n', 'growth', 'growth of n log n', 'sort of 2n pairs, ms'],
  rows: SIZES.map((size, index) => {
    const before = SIZES[index - 1];
    return [
      size.toLocaleString('en'),
      withSpread(planMs.get(size) ?? []),
      digits((at(size) * 1e6) / nLogN(size)),
      before === undefined ? '' : `${digits(at(size) / at(before))} x`,
      before === undefined ? '' : `${digits(nLogN(size) / nLogN(before))} x`,
      withSpread(sortMs.get(size) ?? []),
    ];
  }),
  bars: [
    { what: 'plan for 100,000 drivers', unit: 'ms', runs: planMs.get(100_000) ?? [], atMost: BAR_MS },
    { what: 'plan of a pass without a change', unit: 'ms', runs: calmMs, atMost: BAR_MS },
  ],
  notes: [],
});
