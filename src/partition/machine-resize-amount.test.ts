// What of a machine's memory a planned change asks for: amounts as people read and type them, zones, and
// memory of the boot.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, KiB, MiB } from '../core/bytes.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { MachineSim, type MachineSimOptions } from '../testing/machine-sim.ts';
import { openPartition } from './open.ts';

const MEMORY = '/sys/devices/system/memory';
let machines = 0;

async function simulated(sim: Partial<MachineSimOptions> = {}) {
  const clock = new ClockSim();
  machines += 1;
  const machineId = `machine-amount-${process.pid}-${machines}`;
  const machine = new MachineSim({ bootBytes: 512 * MiB, machineId, usedBytes: () => 10 * MiB, ...sim });
  const options = { partition: 'machine', machine, clock, apply: true, reserve: 0 };
  const partition = await clock.until(openPartition(options));
  const resize = (bytes: number) => clock.until(partition.resize(bytes));
  const zone = (block: number) => machine.readText(`${MEMORY}/memory${block}/valid_zones`).trim();
  return { clock, machine, resize, zone };
}

test('machine: an amount as it is printed is the amount that is meant', async () => {
  const { machine, resize } = await simulated({ bootBytes: 512 * MiB + 300 * KiB });
  machine.addMemory(1 * GiB, { zone: 'Movable' });
  // "640 MiB" is what is shown of 640.29 MiB.
  const outcome = await resize(640 * MiB);
  assert.equal(outcome.result, 'done', outcome.report);
  assert.equal(machine.onlineBytes, 640 * MiB);
  const again = await resize(638 * MiB);
  assert.deepEqual([again.result, machine.onlineBytes], ['done', 640 * MiB]);
  // More than a rounding is a block.
  await resize(630 * MiB);
  assert.equal(machine.onlineBytes, 512 * MiB);
});

test('machine: memory below 4 GiB is not taken, since it was there at boot', async () => {
  const { machine, resize, zone } = await simulated();
  for (const block of [1, 2, 3]) machine.setZone(block, 'DMA32');
  machine.addMemory(256 * MiB);
  assert.equal(zone(2), 'DMA32');
  const outcome = await resize(512 * MiB);
  assert.deepEqual([outcome.result, machine.onlineBytes], ['done', 512 * MiB]);
  await assert.rejects(resize(256 * MiB), {
    code: 'HOTADD_UNSUPPORTED',
    message: /2 memory blocks .* would have to go offline, and 0 can/,
  });
});

test('machine: growth goes by the policy of the kernel where nothing is configured', async () => {
  for (const [policy, expected] of [
    ['online_movable', 'Movable'],
    ['offline', 'Normal'],
  ] as const) {
    const { machine, resize, zone } = await simulated();
    machine.set(`${MEMORY}/auto_online_blocks`, `${policy}\n`);
    machine.addMemory(128 * MiB, { online: false });
    assert.equal((await resize(640 * MiB)).result, 'done');
    assert.equal(zone(4), expected, policy);
  }
});
