// Planned changes of a real cgroup under load: a server whose cache follows the limit, 1 GiB to 3 GiB and
// back 50 times, beside a loop that does nothing; and as the control the same server with a cache that is
// sized once.
import { GiB, MiB } from '../src/core/bytes.ts';
import { Contender, pause } from './contender.ts';
import { median, withSpread } from './figures.ts';
import type { LagFigures } from './lag.ts';
import { makeCgroup, type OwnCgroup, whyNoCgroup } from './own-cgroup.ts';
import {
  accountingError,
  change,
  hitRateNow,
  kernelCounts,
  type LoadFigures,
  look,
  lookAtLoad,
  type PlannedChange,
  type Running,
  type ServerFigures,
  startLoaded,
} from './planned-run.ts';
import { comeFirst } from './priority.ts';
import { publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Planned changes under load';
const CYCLES = QUICK ? 2 : 50;
const LOW_BYTES = QUICK ? 256 * MiB : GiB;
const HIGH_BYTES = QUICK ? 768 * MiB : 3 * GiB;
const REQUESTS_PER_S = 800;
/** How long the load may take to fill a cache that has grown. */
const FILL_MS = QUICK ? 4_000 : 9_000;
/** A mean value is 5.4 KiB: as many keys as three times the high limit would hold. */
const KEYS = Math.floor((3 * HIGH_BYTES) / (5.4 * 1024));
const WARM_MS = 3_000;
const CONTROL_MS = QUICK ? 6_000 : 30_000;

const size = (bytes: number) => (bytes < GiB ? `${bytes / MiB} MiB` : `${bytes / GiB} GiB`);
const [LOW, HIGH] = [size(LOW_BYTES), size(HIGH_BYTES)];
const mib = (bytes: number) => bytes / MiB;

async function lagOf(contender: Contender): Promise<LagFigures> {
  contender.say('look');
  return JSON.parse(await contender.line()) as LagFigures;
}

interface Seen {
  readonly changes: readonly PlannedChange[];
  readonly server: LagFigures;
  readonly idle: LagFigures;
  readonly load: LoadFigures;
  readonly wrong: number;
  readonly mostSending: number;
  readonly kills: number;
  readonly limitHits: number;
}

async function cycles(group: OwnCgroup): Promise<Seen> {
  const idle = Contender.node('do-nothing loop', 'idle-loop.ts');
  await idle.line();
  const running = await startLoaded(group.folder, { kind: 'hotadd', keys: KEYS, rate: REQUESTS_PER_S });
  const { server, load } = running;
  await pause(WARM_MS);
  for (const each of [idle, server, load]) each.say('forget');
  const changes: PlannedChange[] = [];
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    changes.push(await change(running, group.folder, { toBytes: HIGH_BYTES, fillMs: FILL_MS }));
    changes.push(await change(running, group.folder, { toBytes: LOW_BYTES, fillMs: 0 }));
    if (QUICK || cycle % 10 === 9) console.error(`  ${cycle + 1} of ${CYCLES} cycles`);
  }
  const { lag, wrong, mostSending } = await look(server);
  const seen = {
    changes,
    server: lag,
    idle: await lagOf(idle),
    load: await lookAtLoad(load),
    wrong,
    mostSending,
  };
  const kernel = kernelCounts(group.folder);
  await running.stop();
  await idle.stop();
  return { ...seen, ...kernel };
}

function showChanges({ changes, load, wrong, mostSending, kills, limitHits }: Seen): void {
  const [up, down] = [HIGH_BYTES, LOW_BYTES].map((to) => changes.filter(({ toBytes }) => toBytes === to));
  const row = (what: string, of: (change: PlannedChange) => number) => [
    what,
    withSpread((up ?? []).map(of)),
    withSpread((down ?? []).map(of)),
  ];
  const atRest = [...changes.map(({ later }) => later), ...(down ?? []).map(({ atOnce }) => atOnce)];
  const errors = atRest.map((figures) => 100 * accountingError(figures));
  const undone = changes.filter(({ result }) => result !== 'done');
  publish({
    title: TITLE,
    about:
      `A server with a ByteCache in a cgroup of its own, ${CYCLES} times ${LOW} -> ${HIGH} -> ${LOW} by ` +
      `\`partition.resize()\` of the server itself, which holds the partition. ${REQUESTS_PER_S} requests ` +
      'a second from another process, open loop, 128 keys each by Zipf 0.9; values of 1 to 16 KiB, used ' +
      'where they lie, and 4 of them sent from there; one request in a hundred has all sent, and reads ' +
      'them 100 ms late. Accounting: how far RSS above that before the first request is from what the ' +
      'cache says it holds.',
    columns: ['', `to ${HIGH}`, `to ${LOW}`],
    rows: [
      [
        'changes that ended `done`',
        ...[up, down].map(
          (these = []) => `${these.filter(({ result }) => result === 'done').length} of ${these.length}`,
        ),
      ],
      row('time of a change, ms', ({ tookMs }) => tookMs),
      row('requests served meanwhile', ({ servedMeanwhile }) => servedMeanwhile),
      row('then: cache holds, MiB', ({ later }) => mib(later.heldBytes)),
      row('then: RSS, MiB', ({ later }) => mib(later.rssBytes)),
      row('then: hits, %', ({ hitRate }) => 100 * hitRate),
      row('accounting off by, %', ({ later }) => 100 * accountingError(later)),
    ],
    bars: [
      { what: 'accounting off by, worst', unit: 'points', runs: [Math.max(...errors)], atMost: 10 },
      { what: 'changes not done', unit: 'times', runs: [undone.length], atMost: 0 },
      { what: 'requests that failed', unit: 'times', runs: [load.failed + wrong], atMost: 0 },
      { what: 'OOM kills', unit: 'times', runs: [kills], atMost: 0 },
    ],
    notes: [
      `${load.served} requests served with ${(load.bytes / GiB).toFixed(1)} GiB, each value of them ` +
        `compared; ${load.notBegun} not begun because 16 were under way; slowest ` +
        `${load.slowestMs.toFixed(0)} ms; up to ${mostSending} values leased to sockets ` +
        `at a time. The limit was reached ${limitHits} times.`,
      ...undone.slice(0, 3).map(({ toBytes, reason }) => `Not done, to ${size(toBytes)}: ${reason}`),
      ...(load.why === '' ? [] : [`First failure: ${load.why}`]),
    ],
  });
}

function showPauses({ server, idle }: Seen): void {
  const row = (what: string, lag: LagFigures) => [
    what,
    ...[lag.p50Ms, lag.p99Ms, lag.p999Ms, lag.worstMs, lag.mostCpuMs].map((ms) => withSpread([ms])),
  ];
  publish({
    title: `${TITLE}: pauses of the loop`,
    about:
      'How late a timer of 1 ms is, all through these cycles, in the server and in a process beside it ' +
      'that does nothing, both at the highest priority; a pause of n ms counts as n timers. CPU: the most ' +
      'that the thread computed in one turn.',
    columns: ['', 'p50, ms', 'p99', 'p99.9', 'worst', 'most CPU in a turn, ms'],
    rows: [row('server', server), row('do-nothing loop', idle)],
    bars: [
      { what: 'pause p99.9', unit: 'ms', runs: [server.p999Ms], atMost: 20 },
      {
        what: "worst pause above the do-nothing loop's",
        unit: 'ms',
        runs: [server.worstMs - idle.worstMs],
        atMost: 20,
      },
    ],
    notes: [],
  });
}

/** How it ended, or how it goes on after so long; with what it held and took, at the last look. */
async function controlled({ server }: Running, group: OwnCgroup, forMs: number): Promise<string[]> {
  const startMs = performance.now();
  let last: ServerFigures | null = null;
  while (performance.now() - startMs < forMs && server.ended === null) {
    await pause(100);
    last = await look(server).catch(() => last);
  }
  const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
  const hits = server.ended === null ? 100 * (await hitRateNow(server)).hitRate : null;
  return [
    server.ended === null ? 'serves' : `${server.ended.replace('lru-cache ', '')} after ${tookS} s`,
    last === null ? '' : mib(last.heldBytes).toFixed(0),
    last === null ? '' : mib(last.rssBytes).toFixed(0),
    hits === null ? '' : hits.toFixed(1),
    String(kernelCounts(group.folder).kills),
  ];
}

function lowerByHand(group: OwnCgroup): string {
  try {
    group.writeLimit(LOW_BYTES);
    return `limit lowered to ${LOW} by hand`;
  } catch (thrown) {
    return `limit lowered to ${LOW} by hand: ${(thrown as NodeJS.ErrnoException).code}, it stays ${HIGH}`;
  }
}

/**
 * Sized once, to what ByteCache took at a limit, or a quarter less each time it is killed under that limit:
 * what it takes beside its values has to fit too.
 */
async function sizedFor(group: OwnCgroup, limitBytes: number, cacheBytes: number) {
  const rows: string[][] = [];
  group.writeLimit(limitBytes);
  for (const share of [1, 0.75, 0.5, 0.25]) {
    const maxSize = Math.floor(cacheBytes * share);
    const running = await startControl(group, maxSize);
    const what = await controlled(running, group, CONTROL_MS);
    const name = `${mib(maxSize)} MiB`;
    rows.push([name, size(limitBytes), ...what]);
    if (running.server.ended === null) return { rows, running, maxSize, name };
    await running.stop();
  }
  return { rows, running: null, maxSize: 0, name: '' };
}

const startControl = (group: OwnCgroup, sizeBytes: number) =>
  startLoaded(group.folder, { kind: 'lru-cache', keys: KEYS, rate: REQUESTS_PER_S, sizeBytes });

async function control(sizes: { high: number; low: number }): Promise<string[][]> {
  const group = makeCgroup('control');
  const large = await sizedFor(group, HIGH_BYTES, sizes.high);
  const { rows, name } = large;
  if (large.running !== null) {
    rows.push([name, lowerByHand(group), ...(await controlled(large.running, group, 5_000))]);
    await large.running.stop();
    group.writeLimit(LOW_BYTES);
    const restarted = await startControl(group, large.maxSize);
    rows.push([name, `started under ${LOW}`, ...(await controlled(restarted, group, CONTROL_MS))]);
    await restarted.stop();
  }
  const small = await sizedFor(group, LOW_BYTES, sizes.low);
  rows.push(...small.rows);
  if (small.running !== null) {
    group.writeLimit(HIGH_BYTES);
    rows.push([small.name, `then ${HIGH}`, ...(await controlled(small.running, group, CONTROL_MS))]);
    await small.running.stop();
  }
  return rows;
}

async function main(): Promise<void> {
  const reason = whyNoCgroup();
  if (reason !== null) return publishSkip(TITLE, reason);
  comeFirst();
  const group = makeCgroup('planned');
  group.writeLimit(LOW_BYTES);
  const seen = await cycles(group);
  showChanges(seen);
  showPauses(seen);
  const at = (to: number) => seen.changes.filter(({ toBytes }) => toBytes === to);
  const sizeAt = (to: number) => median(at(to).map(({ later }) => later.sizeBytes));
  const sizes = { high: sizeAt(HIGH_BYTES), low: sizeAt(LOW_BYTES) };
  publish({
    title: `${TITLE}: the control`,
    about:
      'The same server and load with lru-cache, whose maxSize is set once: to what ByteCache took at ' +
      `${HIGH} (${mib(sizes.high)} MiB), or at ${LOW} (${mib(sizes.low)} MiB), and a quarter of it less ` +
      'each time that it is killed under the limit that it was sized for.',
    columns: ['maxSize', 'limit', 'what happens', 'values, MiB', 'RSS, MiB', 'hits, %', 'OOM kills so far'],
    rows: await control(sizes),
    bars: [],
    notes: [
      'maxSize bounds the values, and not what the process takes: values that were replaced lie outside ' +
        'the heap until the collector of V8 comes by, which is seldom where the heap itself is small.',
    ],
  });
}

await main();
process.exit();
