// One change through 100,000 drivers of this process: the reads, the resizes and the reads back, beside
// the same calls in a plain Promise.all over the same drivers. Then the shrink, and the timers that wait
// meanwhile.
import { mkdirSync, writeFileSync } from 'node:fs';
import { buffers } from '../src/buffers/buffers.ts';
import { GiB, KiB } from '../src/core/bytes.ts';
import type { Driver, DriverState } from '../src/core/driver.ts';
import type { PhysicalMemory } from '../src/core/memory.ts';
import { Notifier } from '../src/core/notifier.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { Registry } from '../src/core/registry.ts';
import { Unmanaged } from '../src/core/room.ts';
import { clockOs } from '../src/host/clock-os.ts';
import { machineOs } from '../src/host/machine-os.ts';
import { atHome } from '../src/partition/home.ts';
import { openSensor } from '../src/sense/sensor.ts';
import { pause, tempFolder } from './contender.ts';
import { digits, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const DRIVERS = 100_000;
const RUNS = QUICK ? 3 : 9;
const WARM_UP = 2;
const SHRINKS = QUICK ? 1 : 3;
const HOLD_MS = 2_000;
const SMALL_GIB = 64;
const LARGE_GIB = 96;

const clock = clockOs();
const root = tempFolder();
let hold: Promise<void> = Promise.resolve();
const sizes = new Float64Array(DRIVERS);
const drivers: Driver[] = Array.from({ length: DRIVERS }, (_, index) =>
  buffers(`driver ${index}`, {
    size: () => sizes[index] ?? 0,
    resize: (bytes) => {
      sizes[index] = bytes;
      lastCalledMs = performance.now();
    },
  }),
);
let lastCalledMs = 0;

/** When the parts of a change begin and end, told by the calls that a change makes anyway. */
interface Marks {
  startMs: number;
  readMs: number;
  plannedMs: number;
  endedMs: number;
  readsOfFirst: number;
}
const marks: Marks = { startMs: 0, readMs: 0, plannedMs: 0, endedMs: 0, readsOfFirst: 0 };

function setMemory(gib: number): void {
  mkdirSync(`${root}/proc`, { recursive: true });
  const kib = (gib * GiB) / KiB;
  writeFileSync(`${root}/proc/meminfo`, `MemTotal: ${kib} kB\nMemAvailable: ${kib} kB\n`);
}

/** The first of all drivers: its third read in a change is the look at the end. */
function marked(driver: Driver): Driver {
  return {
    ...driver,
    read: (signal): Promise<DriverState> => {
      marks.readsOfFirst += 1;
      if (marks.readsOfFirst === 3) marks.endedMs = performance.now();
      return driver.read(signal);
    },
  };
}

async function openNotifier(all: readonly Driver[]): Promise<Notifier> {
  setMemory(SMALL_GIB);
  const machine = machineOs({ root });
  const sensor = await openSensor({ machine, clock, partition: { kind: 'machine' } });
  const registry = new Registry(clock);
  // As Partition.register does it.
  for (const driver of all) registry.register(atHome(driver, machine, null));
  let changes = 0;
  const notifier = new Notifier({
    clock,
    registry,
    unmanaged: new Unmanaged(),
    cpus: sensor.cpus,
    reserve: null,
    apply: true,
    sense: (): PhysicalMemory => {
      if (marks.readsOfFirst === 1 && marks.readMs === 0) marks.readMs = performance.now();
      return sensor.read();
    },
    selfHeldBytes: () => null,
    standing: () => null,
    recorder: {
      nextChangeId: () => ++changes,
      intent: async () => {
        marks.plannedMs = performance.now();
      },
      outcome: () => Promise.resolve(),
    },
  });
  notifier.planFor(sensor.read());
  return notifier;
}

async function change(notifier: Notifier, gib: number): Promise<{ outcome: Outcome | null; ms: number }> {
  setMemory(gib);
  Object.assign(marks, { readMs: 0, plannedMs: 0, endedMs: 0, readsOfFirst: 0 });
  marks.startMs = performance.now();
  const outcome = await notifier.arrive('MemTotal');
  const ms = performance.now() - marks.startMs;
  const { answers = [] } = outcome ?? {};
  const whole =
    answers.length === DRIVERS && answers.every(({ verdict, proven }) => verdict === 'resized' && proven);
  if (!whole) throw new Error(`not every driver was resized: ${answers.length} answers, ${outcome?.result}`);
  return { outcome, ms };
}

/** The same read, resize, read, with nothing around them. */
async function bare(memory: PhysicalMemory, bytes: number): Promise<number> {
  const { signal } = new AbortController();
  const context = { changeId: 1, phase: 'arrival', deadlineMs: 30_000, signal } as const;
  const startMs = performance.now();
  await Promise.all(
    drivers.map(async (driver) => {
      await driver.read(signal);
      await driver.resize({ bytes, memory }, context);
      return driver.read(signal);
    }),
  );
  return performance.now() - startMs;
}

/** Brings everything back to the small size without a change. */
function reset(): void {
  sizes.fill(Math.floor((SMALL_GIB * GiB) / DRIVERS / 2));
}

/** Timers that wait while 100,000 calls are in flight. */
async function countTimers(): Promise<{ before: number; during: number }> {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  let release = () => {};
  hold = new Promise((resolve) => {
    release = resolve;
  });
  let called = 0;
  const slow = drivers.map(
    (driver): Driver => ({
      ...driver,
      resize: async (target, context) => {
        called += 1;
        await hold;
        return driver.resize(target, context);
      },
    }),
  );
  reset();
  const notifier = await openNotifier(slow);
  setMemory(LARGE_GIB);
  const before = timers();
  const arrived = notifier.arrive('MemTotal');
  while (called < DRIVERS) await new Promise((resolve) => setImmediate(resolve));
  const during = timers();
  release();
  await arrived;
  return { before, during };
}

const figures = {
  whole: [] as number[],
  bare: [] as number[],
  notify: [] as number[],
  planning: [] as number[],
  endLook: [] as number[],
  shrink: [] as number[],
  shrinkCalled: [] as number[],
};

async function main(): Promise<void> {
  const [first, ...others] = drivers;
  if (first === undefined) return;
  const notifier = await openNotifier([marked(first), ...others]);
  const memory = (await notifier.look()).memory;
  const large = Math.floor((LARGE_GIB * GiB) / DRIVERS / 2);
  for (let run = -WARM_UP; run < RUNS; run += 1) {
    reset();
    setMemory(SMALL_GIB);
    notifier.planFor({ ...memory, usableBytes: SMALL_GIB * GiB });
    const { ms } = await change(notifier, LARGE_GIB);
    const { startMs, readMs, plannedMs, endedMs } = marks;
    await pause(50);
    reset();
    const bareMs = await bare(memory, large);
    await pause(50);
    if (run < 0) continue;
    figures.whole.push(ms);
    figures.bare.push(bareMs);
    figures.notify.push(readMs - startMs + (endedMs - plannedMs));
    figures.planning.push(plannedMs - readMs);
    figures.endLook.push(startMs + ms - endedMs);
  }
  for (let run = 0; run < SHRINKS; run += 1) {
    reset();
    setMemory(SMALL_GIB);
    notifier.planFor({ ...memory, usableBytes: SMALL_GIB * GiB });
    await change(notifier, LARGE_GIB);
    const { ms } = await change(notifier, SMALL_GIB);
    figures.shrink.push(ms - HOLD_MS);
    figures.shrinkCalled.push(lastCalledMs - marks.startMs);
  }
  show(await countTimers());
}

function show({ before, during }: { before: number; during: number }): void {
  const ratios = (of: readonly number[]) =>
    of.map((ms, run) => ms / (figures.bare[run % figures.bare.length] ?? Number.NaN));
  const row = (label: string, of: readonly number[]) => [
    label,
    withSpread(of),
    `${digits(ratiosMedian(of))} x`,
  ];
  const ratiosMedian = (of: readonly number[]) => {
    const sorted = ratios(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  publish({
    title: 'Notifying 100,000 drivers',
    about:
      `A growth through ${DRIVERS.toLocaleString('en')} drivers made by buffers(), and the same read, ` +
      `resize, read of the same drivers in one Promise.all; ${RUNS} runs, in turn.`,
    columns: ['ms', 'median (lowest-highest)', 'of bare'],
    rows: [
      row('bare: read, resize, read in Promise.all', figures.bare),
      row('hotadd: read, resize, read, judge, answer', figures.notify),
      row('hotadd: unmanaged use, plan, intent', figures.planning),
      row('hotadd: look at the end, plan, report', figures.endLook),
      row('hotadd: the whole change, growth', figures.whole),
      row('hotadd: shrink, until the last driver is called', figures.shrinkCalled),
      row('hotadd: the whole change, shrink, without the hold of 2 s', figures.shrink),
    ],
    bars: [{ what: 'read, resize, read: hotadd / bare', unit: 'x', runs: ratios(figures.notify), atMost: 2 }],
    notes: [
      `Timers that wait while ${DRIVERS.toLocaleString('en')} calls are in flight: ${during - before} ` +
        '(one shared timer for all deadlines).',
    ],
  });
}

await main();
