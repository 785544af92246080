// What it costs an author to ask: `partition.memory` beside plain reads of the same files, and a plan.
import { readFileSync, statSync } from 'node:fs';
import { buffers, openPartition } from '../src/index.ts';
import { median, withSpread } from './figures.ts';
import { makeCgroup, whyNoCgroup } from './own-cgroup.ts';
import { readsOf } from './reads.ts';
import { publish, QUICK } from './report.ts';

const RUNS = QUICK ? 5 : 15;
const READS = 2_000;
const PLANS = 500;

async function microseconds(times: number, work: () => unknown): Promise<number> {
  const startMs = performance.now();
  for (let index = 0; index < times; index += 1) await work();
  return ((performance.now() - startMs) * 1_000) / times;
}

function microsecondsNow(times: number, work: () => unknown): number {
  const startMs = performance.now();
  for (let index = 0; index < times; index += 1) work();
  return ((performance.now() - startMs) * 1_000) / times;
}

async function measure(name: string): Promise<string[][]> {
  const partition = await openPartition({ partition: name });
  const { files, folders } = await readsOf(name);
  const bare = () => {
    for (const file of files) readFileSync(file, 'utf8');
    for (const folder of folders) statSync(folder);
  };
  const figures = {
    memory: [] as number[],
    bare: [] as number[],
    plan: [] as number[],
    plan10: [] as number[],
  };
  for (let run = -1; run < RUNS; run += 1) {
    const memoryUs = microsecondsNow(READS, () => partition.memory);
    const bareUs = microsecondsNow(READS, bare);
    if (run < 0) continue;
    figures.memory.push(memoryUs);
    figures.bare.push(bareUs);
    figures.plan.push(await microseconds(PLANS, () => partition.plan()));
  }
  for (let index = 0; index < 10; index += 1) {
    partition.register(buffers(`driver ${index}`, { size: () => 0, resize: () => undefined }));
  }
  for (let run = 0; run < RUNS; run += 1) {
    figures.plan10.push(await microseconds(PLANS, () => partition.plan()));
  }
  await partition.close();
  const row = (label: string, of: readonly number[]) => [
    label,
    withSpread(of),
    `${(median(of) / median(figures.bare)).toFixed(2)} x`,
  ];
  const what = name === 'machine' ? 'machine' : 'cgroup';
  return [
    row(`${what}: bare, ${files.length} x readFileSync, ${folders.length} x statSync`, figures.bare),
    row(`${what}: partition.memory`, figures.memory),
    row(`${what}: partition.plan(), no driver`, figures.plan),
    row(`${what}: partition.plan(), 10 drivers`, figures.plan10),
  ];
}

const reason = whyNoCgroup();
const cgroup = reason === null ? makeCgroup('memory') : null;
cgroup?.writeLimit(2 ** 29);
const ownRows = cgroup === null ? [] : await measure(`cgroup:${cgroup.path}`);
publish({
  title: 'Reading memory, and a plan',
  about:
    `Microseconds for each; ${RUNS} runs of ${READS.toLocaleString('en')} reads and ${PLANS} plans, in ` +
    'turn.',
  columns: ['us', 'median (lowest-highest)', 'of bare'],
  rows: [...ownRows, ...(await measure('machine'))],
  bars: [],
  notes: reason === null ? [] : [`No cgroup was measured: ${reason}.`],
});
