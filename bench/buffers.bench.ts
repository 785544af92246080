// The slab pool: what a lease costs beside a bare array of buffers, what growing costs beside touching fresh
// memory, and how long 1 GiB takes to go back, with the longest time that the loop is blocked.
import type { Lease } from '../src/buffers/lease.ts';
import { SlabPool } from '../src/buffers/slab-pool.ts';
import { GiB, KiB, MiB } from '../src/core/bytes.ts';
import type { Clock } from '../src/core/clock.ts';
import { median, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const RUNS = QUICK ? 3 : 7;
const LEASES = QUICK ? 200_000 : 1_000_000;
/** Leases that are out at a time. */
const DEPTH = 16;
const SIZE = QUICK ? 256 * MiB : GiB;
const KINDS = { 'fixed, 32 MiB': 32 * MiB, 'resizable, 8 MiB': 8 * MiB };

let longestMs = 0;
/** The loop's own turns, timed. */
const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timed = () => {
      const startMs = performance.now();
      callback();
      longestMs = Math.max(longestMs, performance.now() - startMs);
    };
    if (delayMs > 0) {
      const timer = setTimeout(timed, delayMs);
      return () => clearTimeout(timer);
    }
    const immediate = setImmediate(timed);
    return () => clearImmediate(immediate);
  },
};

function nanoseconds(work: () => void): number {
  const startMs = performance.now();
  for (let index = 0; index < LEASES / DEPTH; index += 1) work();
  return ((performance.now() - startMs) * 1e6) / LEASES;
}

function leasing(): () => void {
  const pool = new SlabPool('bench', { bytes: 64 * MiB });
  const out: Lease[] = [];
  return () => {
    for (let index = 0; index < DEPTH; index += 1) {
      const lease = pool.acquire();
      if (lease !== null) out.push(lease);
    }
    for (let index = 0; index < DEPTH; index += 1) out.pop()?.release();
  };
}

function pushing(): () => void {
  const free = Array.from({ length: 1024 }, () => new Uint8Array(64 * KiB));
  const out: Uint8Array<ArrayBuffer>[] = [];
  return () => {
    for (let index = 0; index < DEPTH; index += 1) {
      const bytes = free.pop();
      if (bytes !== undefined) out.push(bytes);
    }
    for (let index = 0; index < DEPTH; index += 1) free.push(out.pop() as Uint8Array<ArrayBuffer>);
  };
}

function timeMs(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function touchFresh(): number {
  const buffer = new ArrayBuffer(SIZE);
  const ms = timeMs(() => {
    const bytes = new Uint8Array(buffer);
    for (let at = 0; at < SIZE; at += 4 * KiB) bytes[at] = 1;
  });
  buffer.transfer(0);
  return ms;
}

interface Cycle {
  readonly growMs: number;
  readonly returnMs: number;
  readonly blockedMs: number;
  readonly aheadBlockedMs: number;
}

/** Grows lazily, under the hands of who leases, gives all back, and grows once more, touched ahead. */
async function cycle(slabBytes: number): Promise<Cycle> {
  const pool = new SlabPool('bench', { bytes: SIZE, slabBytes, leaseBytes: MiB, clock });
  const leases: Lease[] = [];
  const growMs = timeMs(() => {
    for (let lease = pool.acquire(); lease !== null; lease = pool.acquire()) {
      const { bytes } = lease;
      for (let at = 0; at < MiB; at += 4 * KiB) bytes[at] = 1;
      leases.push(lease);
    }
  });
  for (const lease of leases) lease.release();
  longestMs = 0;
  const startMs = performance.now();
  await pool.setBytes(0);
  const returnMs = performance.now() - startMs;
  const blockedMs = longestMs;
  const ahead = new SlabPool('bench', { bytes: 0, slabBytes, touch: true, clock });
  longestMs = 0;
  await ahead.setBytes(SIZE);
  const aheadBlockedMs = longestMs;
  await ahead.close();
  return { growMs, returnMs, blockedMs, aheadBlockedMs };
}

const figures = { lease: [] as number[], push: [] as number[], touch: [] as number[] };
const cycles = Object.entries(KINDS).map(([kind, slabBytes]) => ({ kind, slabBytes, runs: [] as Cycle[] }));
const [lease, push] = [leasing(), pushing()];
for (let run = -1; run < RUNS; run += 1) {
  const leaseNs = nanoseconds(lease);
  const pushNs = nanoseconds(push);
  const touchMs = touchFresh();
  const measured = [];
  for (const { slabBytes } of cycles) measured.push(await cycle(slabBytes));
  if (run < 0) continue;
  figures.lease.push(leaseNs);
  figures.push.push(pushNs);
  figures.touch.push(touchMs);
  for (const [index, { runs }] of cycles.entries()) runs.push(measured[index] as Cycle);
}

const of = (runs: readonly Cycle[], key: keyof Cycle) => runs.map((one) => one[key]);
const ratios = (values: readonly number[], beside: readonly number[]) =>
  values.map((value, index) => value / (beside[index] ?? Number.NaN));
const gib = (ms: readonly number[]) => ms.map((value) => (value * GiB) / SIZE);
publish({
  title: 'Slab pool',
  about:
    `Leases of 64 KiB, ${DEPTH} out at a time, beside pop and push of an array of buffers; ` +
    `${SIZE / MiB} MiB touched page by page through leases of 1 MiB, beside a fresh ArrayBuffer; and given ` +
    `back. ${RUNS} runs.`,
  columns: ['what', 'measured', 'beside it', ''],
  rows: [
    [
      'lease + release, ns',
      withSpread(figures.lease),
      withSpread(figures.push),
      `${(median(figures.lease) / median(figures.push)).toFixed(2)} x`,
    ],
    ...cycles.map(({ kind, runs }) => [
      `growth, ${kind}, ms`,
      withSpread(of(runs, 'growMs')),
      withSpread(figures.touch),
      `${(median(of(runs, 'growMs')) / median(figures.touch)).toFixed(2)} x`,
    ]),
    ...cycles.map(({ kind, runs }) => [
      `loop blocked by a growth touched ahead, ${kind}, ms`,
      withSpread(of(runs, 'aheadBlockedMs')),
      '',
      '',
    ]),
  ],
  bars: [
    {
      what: 'lease + release',
      unit: 'x',
      runs: ratios(figures.lease, figures.push),
      atMost: 2,
      ifMissed: 'Each lease is an object of its own, so that a second release is an error',
    },
    ...cycles.flatMap(({ kind, runs }) => [
      {
        what: `growth, ${kind}`,
        unit: 'x' as const,
        runs: ratios(of(runs, 'growMs'), figures.touch),
        atMost: 1.2,
      },
      {
        what: `1 GiB given back, ${kind}`,
        unit: 'ms' as const,
        runs: gib(of(runs, 'returnMs')),
        atMost: 100,
      },
      { what: `loop blocked by it, ${kind}`, unit: 'ms' as const, runs: of(runs, 'blockedMs'), atMost: 10 },
    ]),
  ],
  notes: [],
});
