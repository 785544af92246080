// The simulated kernel is read by the production sensor as a real guest is: the same readings in the same
// form, and nothing stale. The guests are those of test/fixtures/machines.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MiB } from '../core/bytes.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import { parsePartitionName } from '../sense/partition-name.ts';
import { readHeld } from '../sense/process.ts';
import { openSensor } from '../sense/sensor.ts';
import { MachineSim } from './machine-sim.ts';

function captured(tree: string): Machine {
  const root = fileURLToPath(new URL(`../../test/fixtures/machines/${tree}`, import.meta.url));
  return machineOs({ root });
}

async function readAs(machine: Machine, partition: string): Promise<PhysicalMemory> {
  const sensor = await openSensor({ machine, clock: clockOs(), partition: parsePartitionName(partition) });
  const memory = sensor.read();
  sensor.close();
  return memory;
}

/** What kind of value is where; the simulated machine has no PSI, so of stalls nothing is known. */
function formOf(memory: PhysicalMemory): unknown {
  const form = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(form);
    if (typeof value !== 'object' || value === null) return value === null ? 'not known' : typeof value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, form(each)]));
  };
  return form({ ...memory, pressure: { oomKills: memory.pressure?.oomKills } });
}

/** Four blocks on node 0, four on node 1 for movable pages, two nested limits and a process below them. */
function simulated() {
  const machine = new MachineSim({
    bootBytes: 512 * MiB,
    nodes: [{ bytes: 512 * MiB }],
    usedBytes: () => 20 * MiB,
  });
  machine.addMemory(512 * MiB, { node: 1, zone: 'Movable' });
  const above = machine.software.cgroup('/level-1', 'max');
  above.highBytes = 200 * MiB;
  machine.software.cgroup('/level-1/level-2', 256 * MiB);
  const web = machine.software.run('web', '/level-1/level-2');
  web.use(100 * MiB);
  return { machine, web };
}

describe('machine: the simulated kernel is read as a captured one', () => {
  test('machine: two nodes read in the form of a guest whose second node appeared', async () => {
    const { machine } = simulated();
    const read = await readAs(machine, 'machine');
    assert.deepEqual(
      formOf(read),
      formOf(await readAs(captured('x86_64-1g-guest-node-appeared'), 'machine')),
    );
    assert.deepEqual(read.stale, []);
    assert.deepEqual(read.nodes, [
      { node: 0, onlineBytes: 512 * MiB, movableBytes: 0 },
      { node: 1, onlineBytes: 512 * MiB, movableBytes: 512 * MiB },
    ]);
    assert.deepEqual([read.usableBytes, read.levels[0]?.usedBytes], [1024 * MiB, 120 * MiB]);
  });

  test('machine: cgroup: and pid: read in the form of a guest with nested limits', async () => {
    const { machine, web } = simulated();
    const guest = captured('x86_64-512m-guest-nested-limits');
    const path = '/level-1/level-2';
    for (const [own, real] of [
      [`cgroup:${path}`, `cgroup:${path}`],
      [`pid:${web.pid}`, 'self'],
    ] as const) {
      const read = await readAs(machine, own);
      const expected = await readAs(guest, real);
      assert.deepEqual(formOf({ ...read, nodes: null }), formOf({ ...expected, nodes: null }), own);
      assert.deepEqual(read.boundBy, expected.boundBy);
      assert.deepEqual(read.levels.map(({ name, limitBytes }) => [name, limitBytes]).slice(0, 2), [
        [path, 256 * MiB],
        ['/level-1', 200 * MiB],
      ]);
      assert.deepEqual([read.stale, read.levels[0]?.usedBytes], [[], 100 * MiB]);
    }
    assert.equal(readHeld(machine, web.pid), 100 * MiB);
  });

  test('machine: blocks that came and are not online read as those of a guest', async () => {
    const machine = new MachineSim({ bootBytes: 512 * MiB });
    machine.addMemory(512 * MiB, { online: false });
    machine.writeText('/sys/devices/system/memory/memory4/state', 'online');
    machine.writeText('/sys/devices/system/memory/memory5/state', 'online');
    const guest = await readAs(captured('x86_64-1g-guest-module-half-online'), 'machine');
    const read = await readAs(machine, 'machine');
    assert.deepEqual(read.blocks, guest.blocks);
    assert.deepEqual([read.presentBytes, read.stale], [guest.presentBytes, []]);
  });

  test('machine: a process that has ended and a cgroup that was removed are gone', async () => {
    const { machine, web } = simulated();
    const name = parsePartitionName('cgroup:/level-1/level-2');
    const sensor = await openSensor({ machine, clock: clockOs(), partition: name });
    let hints = 0;
    sensor.onHint(() => {
      hints += 1;
    });
    machine.software.removeCgroup('/level-1/level-2');
    assert.deepEqual([sensor.read().gone, hints > 0], [true, true]);
    sensor.close();
    await assert.rejects(readAs(machine, `pid:${web.pid}`), { code: 'HOTADD_NO_PARTITION' });
  });

  test('machine: a limit that is written is read back in whole pages, and hinted', async () => {
    const { machine } = simulated();
    const file = '/sys/fs/cgroup/level-1/level-2/memory.max';
    let hints = 0;
    machine.watch(file, () => {
      hints += 1;
    });
    machine.writeText(file, String(150 * MiB + 5000));
    assert.equal(machine.readText(file), `${150 * MiB + 4096}\n`);
    machine.software.cgroup('/level-1/level-2', 160 * MiB);
    assert.equal((await readAs(machine, 'cgroup:/level-1/level-2')).usableBytes, 160 * MiB);
    assert.equal(hints, 2);
    assert.throws(() => machine.writeText(file, 'a lot'), { code: 'EINVAL' });
  });
});
