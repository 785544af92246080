// A simulated partition: what its system sees of its modules, what taking one out comes to, and what a
// restart keeps and forgets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../core/bytes.ts';
import type { PartitionSim, PartitionSimOptions } from './partition-sim.ts';
import { ServerSim } from './server-sim.ts';

function started(options: Partial<PartitionSimOptions> = {}) {
  const server = new ServerSim();
  const partition = server.partition('one', { modules: [GiB], ...options });
  return { server, clock: server.clock, partition };
}

const sizes = ({ presentBytes, onlineBytes, usedBytes, freeBytes }: PartitionSim) =>
  [presentBytes, onlineBytes, usedBytes, freeBytes].map((bytes) => bytes / MiB);

test('partition: present, online, used and free are those of its system', () => {
  const { server, partition } = started({ systemBytes: 24 * MiB });
  partition.run('web', 200 * MiB);
  partition.pools.paged.take(100 * MiB);
  assert.deepEqual(sizes(partition), [1024, 1024, 324, 700]);
  server.hotAdd(512 * MiB, partition);
  assert.deepEqual(sizes(partition), [1536, 1536, 324, 1212]);
});

test('partition: a system that brings nothing online by itself has more present than online', () => {
  const { server, partition } = started({ autoOnline: 'offline' });
  server.hotAdd(512 * MiB, partition);
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1024]);
  partition.machine.writeText('/sys/devices/system/memory/memory8/state', 'online');
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1152]);
});

test('partition: memory that comes online for movable pages only is counted as such', () => {
  const { server, partition } = started({ autoOnline: 'online_movable', nodes: true });
  server.hotAdd(server.module(512 * MiB, { node: 1 }), partition);
  const { memory } = partition.machine;
  assert.deepEqual(memory.nodes.get(1), { onlineBytes: 512 * MiB, movableBytes: 512 * MiB });
});

test('partition: pools that take the last of memory press its software', () => {
  const { partition } = started();
  const web = partition.run('web', 800 * MiB);
  assert.equal(partition.pools.paged.take(300 * MiB), true);
  assert.equal(web.alive, false);
  assert.deepEqual(
    partition.kills.map(({ cause }) => cause),
    ['use'],
  );
});

test('partition: whoever waits for a condition hears of it, whatever moved free memory', async () => {
  const moves: Record<string, (partition: PartitionSim, server: ServerSim) => unknown> = {
    'a process': (partition) => partition.run('web', 1000 * MiB),
    'a pool': (partition) => partition.pools.paged.take(1000 * MiB),
    'blocks that go offline': ({ machine }) => {
      for (let block = 1; block < 8; block += 1)
        machine.writeText(`/sys/devices/system/memory/memory${block}/state`, 'offline');
    },
  };
  for (const [what, move] of Object.entries(moves)) {
    const { server, clock, partition } = started({ systemBytes: 20 * MiB });
    if (what === 'blocks that go offline') partition.run('web', 105 * MiB);
    const low = partition.conditions.when('low');
    assert.equal(partition.conditions.low, false);
    move(partition, server);
    assert.equal(partition.conditions.low, true, what);
    await clock.until(low);
  }
});

test('partition: a module goes block by block, and its memory with it', async () => {
  const { server, clock, partition } = started({ offlineMs: 100 });
  const module = server.module(512 * MiB);
  server.hotAdd(module, partition);
  const removing = server.hotRemove(module);
  await clock.advance(250);
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1280]);
  const outcome = await clock.until(removing);
  assert.deepEqual([outcome.result, outcome.bytes], ['done', -512 * MiB]);
  assert.deepEqual(sizes(partition).slice(0, 2), [1024, 1024]);
  assert.deepEqual(
    [partition.modules.includes(module), server.serviceProcessor.ownerOf(module)],
    [false, null],
  );
});

test('partition: a block that stays gives back what went before it, and the module stays', async () => {
  const { server, clock, partition } = started({ refuses: (block) => (block === 10 ? 'EBUSY' : undefined) });
  const module = server.module(512 * MiB);
  server.hotAdd(module, partition);
  await assert.rejects(clock.until(server.hotRemove(module)), { code: 'HOTADD_OPERATION' });
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1536]);
  assert.deepEqual([partition.modules.includes(module), server.journal.at(-1)?.result], [true, 'refused']);
});

test('partition: memory that was in use when it was taken out kills', async () => {
  const { server, clock, partition } = started();
  const module = server.module(512 * MiB);
  server.hotAdd(module, partition);
  partition.run('web', 1200 * MiB);
  await clock.until(server.hotRemove(module));
  assert.deepEqual(
    partition.kills.map(({ process, cause }) => `${process.name}: ${cause}`),
    ['web: less memory'],
  );
});

test('partition: a module of its start stays', async () => {
  const { server, clock, partition } = started();
  const [module] = partition.modules;
  assert.ok(module);
  await assert.rejects(clock.until(server.hotRemove(module)), /was there at boot/);
});

test('partition: a module that is going is not taken out twice, nor replaced', async () => {
  const { server, clock, partition } = started({ offlineMs: 100 });
  const module = server.module(512 * MiB);
  server.hotAdd(module, partition);
  const removing = server.hotRemove(module);
  await assert.rejects(clock.until(server.hotRemove(module)), /is being taken out/);
  assert.throws(() => server.hotReplace(module, server.module(512 * MiB)), /is being taken out/);
  await clock.until(removing);
  assert.deepEqual(sizes(partition).slice(0, 2), [1024, 1024]);
  server.hotAdd(module, partition);
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1536]);
});

test('partition: one that starts again while a module goes keeps the module', async () => {
  const { server, clock, partition } = started({ offlineMs: 100 });
  const module = server.module(512 * MiB);
  server.hotAdd(module, partition);
  const removing = assert.rejects(server.hotRemove(module), /has started again/);
  await clock.advance(150);
  partition.restart();
  await clock.until(removing);
  assert.deepEqual(sizes(partition).slice(0, 2), [1536, 1536]);
  assert.equal(server.hotAdd(256 * MiB, partition).result, 'done');
});

test('partition: a restart ends its software, and gives it another machine and another boot', () => {
  const { partition } = started();
  const web = partition.run('web', 100 * MiB);
  const { machine } = partition;
  const bootId = machine.readText('/proc/sys/kernel/random/boot_id');
  partition.restart();
  assert.deepEqual([web.alive, partition.usedBytes, partition.starts], [false, 0, 2]);
  assert.notEqual(partition.machine, machine);
  assert.notEqual(partition.machine.readText('/proc/sys/kernel/random/boot_id'), bootId);
  const id = '/etc/machine-id';
  assert.equal(partition.machine.readText(id), machine.readText(id));
});

test('partition: hints under way at a restart are not those of the new system', async () => {
  const { clock, partition } = started({ delivery: { delayMs: [100, 100] } });
  partition.cgroup('/app', 'max').maxBytes = 256 * MiB;
  partition.restart();
  const group = partition.cgroup('/app', 'max');
  let hints = 0;
  partition.machine.watch('/sys/fs/cgroup/app/memory.max', () => {
    hints += 1;
  });
  group.maxBytes = 128 * MiB;
  await clock.advance(100);
  assert.equal(hints, 1);
});
