// One hot add to a large simulated server, at three sizes of it: what is read for the blocks that were added,
// whom it calls, and what it costs beside the same files and drivers read by a bare loop. Counts show the
// complexity; test/server-scale.test.ts holds smaller servers to the same counts.
import { type LargePartition, LargeServer, MODULE_BYTES, readsSince } from '../test/large-server.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const PARTITIONS = 8;
/** Modules and drivers of each partition: 32,768 modules and 10,000 drivers in the largest server. */
const SIZES = QUICK
  ? [{ modules: 128, drivers: 20 }]
  : [
      { modules: 512, drivers: 125 },
      { modules: 2_048, drivers: 625 },
      { modules: 4_096, drivers: 1_250 },
    ];
const RUNS = QUICK ? 3 : 7;
const QUIET_MS = 3_000;
const OVER_MS = 5_000;
const MB = 1e6;

/** Of an even share all have half: some move with memory, the others are full. */
function fill(large: LargeServer, drivers: number): void {
  const share = Math.floor(drivers / 5);
  for (const each of large.partitions) each.fill({ share, ceiling: drivers - share });
}

interface Added {
  readonly blocks: number;
  readonly atOnce: number;
  readonly beside: number;
  /** Drivers whose share grows by more than the dead-band, by the plan for that much memory. */
  readonly beyond: number;
  readonly calls: number;
  readonly elsewhere: number;
  readonly addMs: number;
  readonly bareMs: number;
}

async function hotAdd(large: LargeServer, blocks: number): Promise<Added> {
  const [first, ...others] = large.partitions as [LargePartition, ...LargePartition[]];
  await large.clock.advance(OVER_MS);
  const { plan } = await first.partition.plan(first.sim.onlineBytes + blocks * MODULE_BYTES);
  const beyond = plan.budgets.filter(({ move }) => move === 'grow').length;
  const before = { ...first.reads };
  const called = first.called.length;
  const elsewhere = others.reduce((total, each) => total + each.called.length, 0);
  const known = new Set(first.sim.machine.memory.blocks.keys());
  const startMs = performance.now();
  large.hotAdd(blocks);
  const addMs = performance.now() - startMs;
  const atOnce = readsSince(first.reads, before).total;
  await large.clock.advance(OVER_MS);
  const inAll = readsSince(first.reads, before);
  const fresh = [...first.sim.machine.memory.blocks.keys()].filter((block) => !known.has(block));
  return {
    blocks,
    atOnce,
    beside: inAll.total - inAll.blocks,
    beyond,
    calls: first.called.length - called,
    elsewhere: others.reduce((total, each) => total + each.called.length, 0) - elsewhere,
    addMs,
    bareMs: bareReads(first, fresh),
  };
}

/** The same two readings of each block that was added, and nothing else. */
function bareReads({ sim }: LargePartition, blocks: readonly number[]): number {
  const startMs = performance.now();
  for (let reading = 0; reading < 2; reading += 1)
    for (const block of blocks) sim.machine.readText(`/sys/devices/system/memory/memory${block}/state`);
  return performance.now() - startMs;
}

/** A look at every driver, with the plan, beside the same reads in Promise.all. */
async function look({ partition }: LargePartition): Promise<{ lookMs: number; bareMs: number }> {
  const drivers = partition.registry.members.map(({ shell }) => shell.driver);
  const { signal } = new AbortController();
  const bareStart = performance.now();
  await Promise.all(drivers.map((driver) => driver.read(signal)));
  const bareMs = performance.now() - bareStart;
  const startMs = performance.now();
  await partition.plan();
  return { lookMs: performance.now() - startMs, bareMs };
}

const rows: string[][] = [];
const lookRatios: number[] = [];
for (const { modules, drivers } of SIZES) {
  const heapBefore = process.memoryUsage().heapUsed;
  const startMs = performance.now();
  const large = await LargeServer.open({ partitions: PARTITIONS, modules });
  fill(large, drivers);
  await large.clock.advance(QUIET_MS);
  const openedMs = performance.now() - startMs;
  const heapMb = (process.memoryUsage().heapUsed - heapBefore) / MB;
  const looks: { lookMs: number; bareMs: number }[] = [];
  for (let run = 0; run < RUNS; run += 1) looks.push(await look(large.first));
  lookRatios.push(median(looks.map(({ lookMs, bareMs }) => lookMs / bareMs)));
  // The first is for the compiler; all blocks are read again once a minute, which is not until then.
  await hotAdd(large, 1);
  for (const blocks of [1, 8, Math.floor(modules / 16)]) {
    const { atOnce, beside, beyond, calls, elsewhere, addMs, bareMs } = await hotAdd(large, blocks);
    rows.push([
      `${PARTITIONS} x ${modules.toLocaleString('en')}, ${(PARTITIONS * drivers).toLocaleString('en')}`,
      String(blocks),
      `${digits(atOnce / blocks)}, ${beside}`,
      `${calls} of ${beyond}, ${elsewhere}`,
      `${digits((addMs * 1_000) / blocks)} (${digits(addMs / bareMs)} x)`,
      withSpread(looks.map(({ lookMs }) => lookMs)),
      withSpread(looks.map(({ lookMs, bareMs: bare }) => lookMs / bare)),
      `${digits(openedMs / 1_000)} s, ${digits(heapMb)} MB`,
    ]);
  }
  await large.close();
}

publish({
  title: 'One hot add to a large server',
  about:
    'A simulated server of 8 partitions, production code on each, simulated time. Modules of one memory ' +
    'block; a fifth of the drivers move with memory, the others are full at their ceilings. Beyond the ' +
    'dead-band are those whose share grows by more than 1 % with that addition; calls elsewhere are of the ' +
    `7 other partitions. A look reads every driver of one partition and plans; ${RUNS} runs, beside the ` +
    'same reads in Promise.all.',
  columns: [
    'modules, drivers',
    'blocks added',
    'reads per block, reads beside',
    'calls of those beyond, calls elsewhere',
    'us per block (beside bare reads)',
    'look, ms',
    'look / bare reads',
    'opened in, heap',
  ],
  rows,
  bars: [],
  notes: ['Planning alone is n log n: see Planning.'],
});
