// What an opened partition says of pools: the heap of the process that opened it, in a real cgroup whose
// limit is raised.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { makeCgroup, noCgroup } from '../../test/real-cgroup.ts';
import { ROOT } from '../../test/repository.ts';
import { MiB } from '../core/bytes.ts';
import { nodeHeapRule } from '../pools/node-heap-rule.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { openPartition } from './open.ts';

test('partition: pools has the heap of this process, in the partition that it runs in', async () => {
  const partition = await openPartition();
  const pools = partition.pools();
  await partition.close();
  assert.deepEqual(
    pools.map(({ name, now }) => [name, now]),
    [['node heap', getHeapStatistics().heap_size_limit]],
  );
  assert.throws(() => partition.pools(), { code: 'HOTADD_CLOSED' });
});

test('partition: a machine that is given, and another partition, have no heap of this process', async () => {
  const clock = new ClockSim();
  const machine = new MachineSim({ bootBytes: 512 * MiB, machineId: `pools-${process.pid}` });
  const simulated = await clock.until(openPartition({ partition: 'machine', machine, clock }));
  assert.deepEqual(simulated.pools(), []);
  await clock.until(simulated.close());
  const whole = await openPartition({ partition: 'machine' });
  assert.deepEqual(whole.pools(), []);
  await whole.close();
});

test('partition: the report of a growth names the heap that stays, and a look has it', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, 768 * MiB);
  const script = `
    import { openPartition } from ${JSON.stringify(pathToFileURL(`${ROOT}/src/index.ts`).href)};
    const partition = await openPartition({ onOutcome: ({ report }) => console.log(report) });
    const { pools } = await partition.plan();
    console.log(pools[0].shortBy);
  `;
  const args = ['-c', `echo $$ > '${group.folder}/cgroup.procs' && exec "$@"`, 'grown', process.execPath];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn('sh', [...args, '--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, '0');
  group.writeLimit(2048 * MiB);
  const heap = (memoryMiB: number) =>
    nodeHeapRule({ version: process.versions.node, memoryBytes: memoryMiB * MiB }).bytes / MiB;
  const { value: report } = await lines.next();
  const short = heap(2048) - heap(768);
  assert.match(
    String(report),
    new RegExp(`; stays: node heap ${heap(768)} MiB, ${short} MiB short \\(its start\\)$`),
  );
});
