// One change through 100,000 drivers of this process: the reads, the resizes and the reads back, beside
// the same calls in a plain Promise.all over the same drivers. Then the shrink, and the timers that wait
// meanwhile.
import { mkdirSync, writeFileSync } from 'node:fs';
import { buffers } from '../src/buffers/buffers.ts';
import { GiB, KiB } from '../src/core/bytes.ts';
import type { Driver, DriverState } from '../src/core/driver.ts';
import type { PhysicalMemory } from '../src/core/memory.ts';
import { Notifier } from '../src/core/notifier.ts';
import { Registry } from '../src/core/registry.ts';
import { Unmanaged } from '../src/core/room.ts';
import { clockOs } from '../src/host/clock-os.ts';
import { machineOs } from '../src/host/machine-os.ts';
import { atHome } from '../src/partition/home.ts';
import { openSensor } from '../src/sense/sensor.ts';
import { pause, tempFolder } from './contender.ts';
import { median, withSpread } from './figures.ts';
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
const sizes = new Float64Array(DRIVERS);
const drivers: Driver[] = Array.from({ length: DRIVERS }, (_, index) =>
  buffers(`driver ${index}`, {
    size: () => sizes[index] ?? 0,
    resize: (bytes) => {
      sizes[index] = bytes;
      called += 1;
      if (called === DRIVERS) lastCalled = stamp();
    },
  }),
);
let called = 0;
let lastCalled: Stamp = { ms: 0, cpuMs: 0 };

/** A moment in time that passed, and in CPU time of all threads, which other work does not lengthen. */
interface Stamp {
  readonly ms: number;
  readonly cpuMs: number;
}

function stamp(): Stamp {
  const { user, system } = process.cpuUsage();
  return { ms: performance.now(), cpuMs: (user + system) / 1_000 };
}

function since(from: Stamp, to = stamp()): Stamp {
  return { ms: to.ms - from.ms, cpuMs: to.cpuMs - from.cpuMs };
}

const ZERO: Stamp = { ms: 0, cpuMs: 0 };
/** When the parts of a change begin and end, told by the calls that a change makes anyway. */
const marks = { start: ZERO, read: ZERO, planned: ZERO, ended: ZERO, readsOfFirst: 0 };

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
      if (marks.readsOfFirst === 3) marks.ended = stamp();
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
      if (marks.readsOfFirst === 1 && marks.read === ZERO) marks.read = stamp();
      return sensor.read();
    },
    selfHeldBytes: () => null,
    standing: () => null,
    recorder: {
      nextChangeId: () => ++changes,
      intent: async () => {
        marks.planned = stamp();
      },
      outcome: () => Promise.resolve(),
    },
  });
  notifier.planFor(sensor.read());
  return notifier;
}

async function change(notifier: Notifier, gib: number): Promise<Stamp> {
  setMemory(gib);
  called = 0;
  Object.assign(marks, { start: stamp(), read: ZERO, planned: ZERO, ended: ZERO, readsOfFirst: 0 });
  const outcome = await notifier.arrive('MemTotal');
  const took = since(marks.start);
  const { answers = [] } = outcome ?? {};
  const whole =
    answers.length === DRIVERS && answers.every(({ verdict, proven }) => verdict === 'resized' && proven);
  if (!whole) throw new Error(`not every driver was resized: ${answers.length} answers, ${outcome?.result}`);
  return took;
}

/** The same read, resize, read, with nothing around them. */
async function bare(memory: PhysicalMemory, bytes: number): Promise<Stamp> {
  const { signal } = new AbortController();
  const context = { changeId: 1, phase: 'arrival', deadlineMs: 30_000, signal } as const;
  const start = stamp();
  await Promise.all(
    drivers.map(async (driver) => {
      await driver.read(signal);
      await driver.resize({ bytes, memory }, context);
      return driver.read(signal);
    }),
  );
  return since(start);
}

/** Brings everything back to the small size without a change. */
function reset(): void {
  sizes.fill(Math.floor((SMALL_GIB * GiB) / DRIVERS / 2));
}

/** Timers that wait while 100,000 calls are in flight. */
async function countTimers(): Promise<{ before: number; during: number }> {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  let release = () => {};
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  const slow = drivers.map(
    (driver): Driver => ({
      ...driver,
      resize: async (target, context) => {
        begun += 1;
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
  while (begun < DRIVERS) await new Promise((resolve) => setImmediate(resolve));
  const during = timers();
  release();
  await arrived;
  return { before, during };
}

const figures = {
  whole: [] as Stamp[],
  bare: [] as Stamp[],
  notify: [] as Stamp[],
  planning: [] as Stamp[],
  endLook: [] as Stamp[],
  shrink: [] as Stamp[],
  shrinkCalled: [] as Stamp[],
};

async function grow(notifier: Notifier, memory: PhysicalMemory): Promise<Stamp> {
  reset();
  setMemory(SMALL_GIB);
  notifier.planFor({ ...memory, usableBytes: SMALL_GIB * GiB });
  return change(notifier, LARGE_GIB);
}

async function main(): Promise<void> {
  const [first, ...others] = drivers;
  if (first === undefined) return;
  const notifier = await openNotifier([marked(first), ...others]);
  const memory = (await notifier.look()).memory;
  const large = Math.floor((LARGE_GIB * GiB) / DRIVERS / 2);
  for (let run = -WARM_UP; run < RUNS; run += 1) {
    const whole = await grow(notifier, memory);
    const { start, read, planned, ended } = marks;
    const end = { ms: start.ms + whole.ms, cpuMs: start.cpuMs + whole.cpuMs };
    await pause(50);
    reset();
    const bareRun = await bare(memory, large);
    await pause(50);
    if (run < 0) continue;
    const reading = since(start, read);
    const passing = since(planned, ended);
    figures.whole.push(whole);
    figures.bare.push(bareRun);
    figures.notify.push({ ms: reading.ms + passing.ms, cpuMs: reading.cpuMs + passing.cpuMs });
    figures.planning.push(since(read, planned));
    figures.endLook.push(since(ended, end));
  }
  for (let run = 0; run < SHRINKS; run += 1) {
    await grow(notifier, memory);
    const { ms, cpuMs } = await change(notifier, SMALL_GIB);
    figures.shrink.push({ ms: ms - HOLD_MS, cpuMs });
    figures.shrinkCalled.push(since(marks.start, lastCalled));
  }
  show(await countTimers());
}

/** Of the bare ones of the same run; a shrink is held against their median. */
function ratios(of: readonly Stamp[], what: keyof Stamp): number[] {
  const middle = median(figures.bare.map((each) => each[what]));
  const sameRuns = of.length === figures.bare.length;
  return of.map((each, run) => each[what] / ((sameRuns ? figures.bare[run]?.[what] : middle) ?? Number.NaN));
}

function row(label: string, of: readonly Stamp[]): string[] {
  const cells = (['ms', 'cpuMs'] as const).flatMap((what) => [
    withSpread(of.map((each) => each[what])),
    `${median(ratios(of, what)).toFixed(2)} x`,
  ]);
  return [label, ...cells];
}

function show({ before, during }: { before: number; during: number }): void {
  publish({
    title: 'Notifying 100,000 drivers',
    about:
      `A growth through ${DRIVERS.toLocaleString('en')} drivers made by buffers(), and the same read, ` +
      `resize, read of the same drivers in one Promise.all; ${RUNS} runs, in turn. CPU time is that of all ` +
      'threads, the collector of garbage included.',
    columns: ['', 'ms', 'of bare', 'CPU ms', 'of bare'],
    rows: [
      row('bare: read, resize, read in Promise.all', figures.bare),
      row('hotadd: read, resize, read, judge, answer', figures.notify),
      row('hotadd: unmanaged use, plan, intent', figures.planning),
      row('hotadd: look at the end, plan, report', figures.endLook),
      row('hotadd: the whole change, growth', figures.whole),
      row('hotadd: shrink, until the last driver is called', figures.shrinkCalled),
      row('hotadd: the whole shrink, without the 2 s of its hold', figures.shrink),
    ],
    bars: [
      {
        what: 'read, resize, read: hotadd / bare',
        unit: 'x',
        runs: ratios(figures.notify, 'ms'),
        atMost: 2,
        ifMissed:
          'A profile shows it spread thin, and nothing stands out: each driver costs three deadlines, ' +
          'three checks of what it says, a judgement and an answer, which the bare calls do without.',
      },
    ],
    notes: [
      `Timers that wait while ${DRIVERS.toLocaleString('en')} calls are in flight: ${during - before} ` +
        '(one shared timer for all deadlines).',
      'The CPU time of a shrink includes its hold: drivers are read ten times a second until it is proven.',
    ],
  });
}

await main();
