// A simulated server of 8 partitions with 32,768 modules and 10,000 drivers, opened by production code on
// simulated time: what one hot add reads, plans and calls, counted at three sizes. Counts are what is proven
// here, and one that is wrong ends the bench; times stand beside something that does the same work bare.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type LargePartition,
  LargeServer,
  MODULE_BYTES,
  type Reads,
  readsSince,
  type Sort,
} from '../test/large-server.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';
import { publishPlans } from './server-plans.ts';

const PARTITIONS = 8;
const MODULES = [512, 2_048, 4_096];
const DRIVERS = [125, 500, 1_250];
const LARGEST = { partitions: PARTITIONS, modules: 4_096 };
const DRIVERS_EACH = 1_250;
const BLOCKS = [1, 8, 64];
const RUNS = QUICK ? 3 : 9;
/** The polls after opening that look at moving memory have ended. */
const QUIET_MS = 3_000;
/** Added, settled, planned, resized, proven and measured again. */
const OVER_MS = 10_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
const number = (count: number) => count.toLocaleString('en');

function mustBe(what: string, found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(found)}, and not ${JSON.stringify(expected)}`);
}

// ---- Building. ----

interface Built {
  readonly ms: number;
  readonly heapMb: number;
}

async function build(modules: number, drivers: number): Promise<Built> {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const startMs = performance.now();
  const large = await LargeServer.open({ partitions: PARTITIONS, modules });
  for (const each of large.partitions) each.fill({ ceiling: drivers });
  await large.clock.advance(QUIET_MS);
  const ms = performance.now() - startMs;
  collectGarbage();
  const heapMb = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  mustBe('drivers', large.partitions[7]?.partition.registry.members.length, drivers);
  mustBe('modules', large.server.serviceProcessor.modules.length, PARTITIONS * modules);
  await large.close();
  return { ms, heapMb };
}

async function publishBuilding(): Promise<void> {
  const rows: string[][] = [];
  const built = MODULES.map((): Built[] => []);
  for (let run = -1; run < RUNS; run += 1) {
    for (const [index, modules] of MODULES.entries()) {
      const one = await build(modules, DRIVERS[index] ?? 0);
      if (run >= 0) built[index]?.push(one);
    }
  }
  for (const [index, modules] of MODULES.entries()) {
    const drivers = DRIVERS[index] ?? 0;
    const ms = built[index]?.map((one) => one.ms) ?? [];
    const heapMb = built[index]?.map((one) => one.heapMb) ?? [];
    const parts = PARTITIONS * (modules + drivers);
    rows.push([
      number(PARTITIONS * modules),
      number(PARTITIONS * drivers),
      withSpread(ms),
      digits((median(ms) * 1e3) / parts),
      withSpread(heapMb),
    ]);
  }
  publish({
    title: 'A large server: building it',
    about:
      'A simulated server of 8 partitions, each opened by openPartition() and past its first scan of ' +
      `memory blocks, with drivers made by buffers() that have been planned for once. ${RUNS} runs, all ` +
      'sizes in turn. MB are 2^20 bytes of heap after a collection of garbage.',
    columns: ['modules', 'drivers', 'ms', 'us per module or driver', 'heap, MB'],
    rows,
    bars: [],
    notes: [`RSS of the process after all runs: ${digits(process.memoryUsage().rss / 2 ** 20)} MB.`],
  });
}

// ---- Sensing: O(blocks added). ----

interface Sensed {
  readonly atOnce: Reads;
  readonly inAll: Reads;
  readonly changes: number;
  readonly us: number;
}

async function sense(large: LargeServer, blocks: number): Promise<Sensed> {
  const { reads, outcomes } = large.first;
  // Tables double at a power of two, which these sizes are: they have done so when the next module comes.
  large.hotAdd(1);
  await large.clock.advance(QUIET_MS);
  const [before, changes] = [{ ...reads }, outcomes.length];
  const startMs = performance.now();
  large.hotAdd(blocks);
  const us = (performance.now() - startMs) * 1e3;
  const atOnce = readsSince(reads, before);
  await large.clock.advance(QUIET_MS);
  return { atOnce, inAll: readsSince(reads, before), changes: outcomes.length - changes, us };
}

async function publishSensing(): Promise<void> {
  const us = new Map<string, number[]>();
  const sensed = new Map<string, Sensed>();
  const cells = BLOCKS.flatMap((blocks) => MODULES.map((modules) => ({ blocks, modules })));
  for (let run = -1; run < RUNS; run += 1) {
    for (const { blocks, modules } of cells) {
      const key = `${blocks} of ${modules}`;
      const large = await LargeServer.open({ partitions: PARTITIONS, modules });
      const one = await sense(large, blocks);
      await large.close();
      mustBe(`reads of ${key}`, [one.atOnce.total, one.atOnce.blocks], [2 * blocks, 2 * blocks]);
      mustBe(`scans of ${key}`, [one.inAll.lists, one.inAll.blocks], [0, 2 * blocks]);
      sensed.set(key, one);
      if (run >= 0) us.set(key, [...(us.get(key) ?? []), one.us / blocks]);
    }
  }
  const most = (modules: number) => sensed.get(`64 of ${modules}`)?.inAll.total ?? Number.NaN;
  publish({
    title: 'A large server: sensing a hot add',
    about:
      'A module of so many blocks of 128 MiB comes to one of 8 partitions; kernel files that this ' +
      'partition reads, counted: at the events of the module, and in the 3 s until all is over, with ' +
      'polls, the looks of the change and 4 NUMA nodes. Growth within 1 % is no change, and has no looks. ' +
      `Time is that of the events, the simulated server included; ${RUNS} runs, all sizes in turn. Once a ` +
      'minute all blocks are read again, whatever came (S3): that is not in here. One block pays alone for ' +
      'what a hot add costs once.',
    columns: [
      'blocks added',
      'modules there',
      'read at its events',
      'read in all',
      'changes',
      'us per block',
    ],
    rows: cells.map(({ blocks, modules }) => {
      const one = sensed.get(`${blocks} of ${modules}`);
      const of8 = `${number(modules)} of ${number(PARTITIONS * modules)}`;
      const counts = [one?.atOnce.total, one?.inAll.total, one?.changes].map(String);
      return [String(blocks), of8, ...counts, withSpread(us.get(`${blocks} of ${modules}`) ?? [])];
    }),
    bars: [
      {
        what: 'files read for 64 blocks, 4,096 modules / 512',
        unit: 'x',
        runs: [most(4_096) / most(512)],
        atMost: 1,
      },
    ],
    notes: [],
  });
}

// ---- Calls: only of drivers beyond the dead-band. ----

interface Called {
  readonly calls: number;
  readonly driverReads: number;
  readonly others: number;
  readonly ms: number;
}

/** A hot add, and what it does in the partition that was given it, and in the seven others. */
async function add(large: LargeServer, blocks: number): Promise<Called> {
  const others = large.partitions.slice(1);
  const during = async (act: () => void) => {
    const count = () =>
      others.map(({ reads, driverReads, called }) => [reads.total, driverReads, called.length]);
    const before = count().flat();
    act();
    await large.clock.advance(OVER_MS);
    return count().flatMap((now, at) => now.map((value, kind) => value - (before[3 * at + kind] ?? 0)));
  };
  await large.clock.advance(OVER_MS);
  const idle = await during(() => {});
  const { called, driverReads } = large.first;
  const { length } = called;
  const startMs = performance.now();
  const busy = await during(() => large.hotAdd(blocks));
  const ms = performance.now() - startMs;
  mustBe('what the other partitions read and call', busy, idle);
  mustBe('calls in the other partitions', others.map(({ called: names }) => names.length).at(-1), 0);
  return {
    calls: called.length - length,
    driverReads: large.first.driverReads - driverReads,
    others: busy.reduce((total, value, index) => total + value - (idle[index] ?? 0), 0),
    ms,
  };
}

function sorts(moving: number): Partial<Record<Sort, number>> {
  const staying = Math.floor((DRIVERS_EACH - moving) / 3);
  // Where nobody has a share those with a minimum would have the rest.
  const minimum = moving === 0 ? 0 : staying;
  return { share: moving, ceiling: DRIVERS_EACH - moving - staying - minimum, maximum: staying, minimum };
}

async function publishCalls(): Promise<void> {
  const rows: string[][] = [];
  const ratios: number[] = [];
  const show = (what: string, expected: number, { calls, driverReads, others, ms }: Called) => {
    mustBe(`calls, ${what}`, calls, expected);
    if (expected > 0) ratios.push(calls / expected);
    rows.push([what, number(expected), number(calls), number(driverReads), String(others), digits(ms)]);
  };
  type Fill = (first: LargePartition) => void;
  const row = async (what: string, moving: number, blocks: number, fill: Fill) => {
    const large = await LargeServer.open(LARGEST);
    for (const each of large.partitions.slice(1)) each.fill({ ceiling: DRIVERS_EACH });
    fill(large.first);
    show(what, moving, await add(large, blocks));
    await large.close();
  };
  const asFound = (first: LargePartition) => first.fillAsFound(DRIVERS_EACH, 64 * MODULE_BYTES);
  await row('all have a share; 1 block comes', 0, 1, (first) => first.fill({ share: DRIVERS_EACH }));
  await row('as found, within 1 % of their new share', 0, 64, asFound);
  await row('all are full', 0, 64, (first) => first.fill(sorts(0)));
  for (const moving of [1, 10, 125, DRIVERS_EACH])
    await row(`${number(moving)} have a share`, moving, 64, (first) => first.fill(sorts(moving)));
  publish({
    title: 'A large server: whom a hot add calls',
    about:
      'A module of 64 blocks (8 GiB to 512 GiB) comes to one of 8 partitions, each with 4,096 modules and ' +
      '1,250 drivers: 32,768 and 10,000 in all. Those that stay are full at a ceiling or a maximum, or ' +
      'gain less than 1 %. Counted over 10 s of simulated time: calls of resize, and all reads of the ' +
      '1,250 drivers, those of the measure every 5 s with them. What the other seven partitions read and ' +
      'call is compared with the 10 s before. ms: how long these 10 s of all 8 partitions take, one run.',
    columns: [
      'drivers of the partition',
      'beyond 1 %',
      'calls',
      'driver reads',
      'others, more than idle',
      'ms',
    ],
    rows,
    bars: [{ what: 'calls / drivers beyond the dead-band', unit: 'x', runs: ratios, atMost: 1 }],
    notes: [],
  });
}

await publishBuilding();
await publishSensing();
await publishPlans(RUNS);
await publishCalls();
