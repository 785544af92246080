// The byte cache beside lru-cache, quick-lru and a plain Map, each in a process of its own: what a call
// costs, how long a turn of the loop is, what the memory is above that of the values, and what is back at the
// system one second after the cache was halved.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GiB, MiB } from '../src/core/bytes.ts';
import { digits, median, withSpread } from './figures.ts';
import { comeFirst } from './priority.ts';
import { type Bar, publish, QUICK } from './report.ts';

const RUNS = QUICK ? 1 : 3;
const SIZES = QUICK ? [256 * MiB] : [GiB, 8 * GiB];
const KINDS = ['ByteCache', 'ByteCache, a view each', 'lru-cache', 'quick-lru', 'Map'] as const;
const contender = fileURLToPath(new URL('contenders/cache.ts', import.meta.url));

type Kind = (typeof KINDS)[number];

interface Figures {
  readonly setNs: number;
  readonly getNs: number;
  readonly hitRate: number;
  readonly tickMs: number;
  readonly pauseMs: number;
  readonly worstMs: number;
  readonly payloadBytes: number;
  readonly overheadBytes: number;
  readonly returnedBytes: number;
  readonly halveMs: number;
  readonly blockedMs: number;
}

function measure(kind: Kind, bytes: number): Figures {
  const { stdout, stderr } = spawnSync(process.execPath, [contender, kind, String(bytes)], {
    encoding: 'utf8',
  });
  if (!stdout.startsWith('{')) throw new Error(`${kind}: ${stderr}`);
  return JSON.parse(stdout) as Figures;
}

const columns = [
  ...['', 'set, ns', 'get, ns', 'hits, %', '50 calls, ms', 'p99.9', 'worst', 'RSS over values, %'],
  ...['back after 1 s, MiB', 'halved in, ms', 'loop blocked, ms'],
];

function rowOf(kind: Kind, runs: readonly Figures[]): string[] {
  const of = (what: (figures: Figures) => number) => withSpread(runs.map(what));
  return [
    kind,
    of(({ setNs }) => setNs),
    of(({ getNs }) => getNs),
    of(({ hitRate }) => hitRate * 100),
    of(({ tickMs }) => tickMs),
    of(({ pauseMs }) => pauseMs),
    of(({ worstMs }) => worstMs),
    of(({ overheadBytes, payloadBytes }) => (100 * overheadBytes) / payloadBytes),
    of(({ returnedBytes }) => returnedBytes / MiB),
    of(({ halveMs }) => halveMs),
    of(({ blockedMs }) => blockedMs),
  ];
}

function barsOf(size: string, ours: readonly Figures[], lru: readonly Figures[]): Bar[] {
  const ratio = (of: (figures: Figures) => number) =>
    ours.map((figures, index) => of(figures) / of(lru[index] as Figures));
  const overhead = ({ overheadBytes, payloadBytes }: Figures) => overheadBytes / payloadBytes;
  const returned = ours.map(
    ({ returnedBytes }, index) => Math.max(0, (lru[index] as Figures).returnedBytes) / returnedBytes,
  );
  const get = ratio(({ getNs }) => getNs);
  return [
    {
      what: `${size}: RSS over values, ByteCache / lru-cache`,
      unit: 'x',
      runs: ratio(overhead),
      atMost: 0.2,
    },
    {
      what: `${size}: p99.9 of 50 calls, ByteCache / lru-cache`,
      unit: 'x',
      runs: ratio(({ pauseMs }) => pauseMs),
      atMost: 0.2,
    },
    { what: `${size}: back after 1 s, lru-cache / ByteCache`, unit: 'x', runs: returned, atMost: 0.2 },
    { what: `${size}: time of a get in place, ByteCache / lru-cache`, unit: 'x', runs: get, atMost: 1.43 },
  ];
}

if (process.getuid?.() === 0) comeFirst();
for (const bytes of SIZES) {
  const size = bytes < GiB ? `${bytes / MiB} MiB` : `${bytes / GiB} GiB`;
  const runs = new Map<Kind, Figures[]>(KINDS.map((kind) => [kind, []]));
  for (let run = 0; run < RUNS; run += 1)
    for (const kind of KINDS) runs.get(kind)?.push(measure(kind, bytes));
  const of = (kind: Kind) => runs.get(kind) ?? [];
  const kept = median(of('quick-lru').map(({ payloadBytes }) => payloadBytes / bytes));
  publish({
    title: `Byte cache of ${size}`,
    about:
      'Values of 1 to 16 KiB for half as many keys again as fit. Keys are made for each call; a value is ' +
      'used by reading one byte of each cache line. set: a copy of a value is kept, another makes room. ' +
      'The loop does 50 calls in a turn: a get by Zipf 0.9, and a set where it is not there. Each in a ' +
      `process of its own, before everybody else where root may say so, ${RUNS} runs in turn.`,
    columns,
    rows: KINDS.map((kind) => rowOf(kind, of(kind))),
    bars: barsOf(size, of('ByteCache'), of('lru-cache')),
    notes: [
      'quick-lru keeps up to twice its maxSize; half of what fits is its maxSize, and it kept ' +
        `${digits(kept * 100)} %. lru-cache is halved by pop(), the Map by delete(). The rest is left to ` +
        'the collector of garbage.',
    ],
  });
}
