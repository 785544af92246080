// Guests of the lab, captured before, while and after their memory changed: hotadd reads them as plain shell
// read them at that moment (captured.json). What a real kernel looks like, without a kernel.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MiB } from '../core/bytes.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import { openSensor, type Sensor } from './sensor.ts';

const MACHINES = fileURLToPath(new URL('../../test/fixtures/machines/', import.meta.url));
const GUESTS = readdirSync(MACHINES).filter((name) => existsSync(`${MACHINES}${name}/captured.json`));
const BLOCK = 128 * MiB;

interface Facts {
  readonly memTotalBytes: number;
  readonly blocksOnline: number;
  readonly blocksOffline: number;
  readonly nodesOnline: string;
  /** memory.max and memory.high of each level, the own one first. */
  readonly limits: readonly (readonly [max: string, high: string])[];
}

async function read(guest: string): Promise<{ facts: Facts; memory: PhysicalMemory; sensor: Sensor }> {
  const facts = JSON.parse(readFileSync(`${MACHINES}${guest}/captured.json`, 'utf8')) as Facts;
  const machine = machineOs({ root: MACHINES + guest });
  const sensor = await openSensor({ machine, clock: clockOs(), partition: { kind: 'self' } });
  const memory = sensor.read();
  sensor.close();
  return { facts, memory, sensor };
}

describe('captured guests', () => {
  it('there is one before, while and after a module arrives', () => {
    const states = ['x86_64-512m-guest', '-module-offline', '-module-half-online', '-module-online'];
    for (const state of states)
      assert.ok(
        GUESTS.some((name) => name.endsWith(state)),
        state,
      );
  });

  for (const guest of GUESTS) {
    it(`S1 S7 ${guest}: present, online and usable are what shell read`, async () => {
      const { facts, memory } = await read(guest);
      assert.deepEqual(memory.stale, []);
      assert.equal(memory.hiddenAncestors, false);
      assert.equal(memory.onlineBytes, facts.memTotalBytes);
      assert.deepEqual(memory.blocks, {
        sizeBytes: BLOCK,
        onlineBytes: facts.blocksOnline * BLOCK,
        offlineBytes: facts.blocksOffline * BLOCK,
      });
      assert.equal(memory.presentBytes, (facts.blocksOnline + facts.blocksOffline) * BLOCK);
      const limits = facts.limits.flat().filter((text) => text !== 'max');
      assert.equal(memory.usableBytes, Math.min(facts.memTotalBytes, ...limits.map(Number)));
      const nodes = memory.nodes?.map(({ node }) => node).join('-');
      assert.equal(nodes, facts.nodesOnline);
      const onNodes = memory.nodes?.reduce((sum, { onlineBytes }) => sum + (onlineBytes ?? 0), 0);
      assert.equal(onNodes, facts.memTotalBytes);
      assert.equal(memory.pressure?.oomKills, 0);
    });
  }

  it('S5 module-half-online: what waits is named with the command', async () => {
    const { sensor } = await read('x86_64-1g-guest-module-half-online');
    const { blocks, command } = sensor.offlineBlocks();
    assert.deepEqual(blocks, [34, 35]);
    assert.match(command ?? '', /^for n in \$\(seq 34 35\); do echo online > /);
  });

  it('S6 node-appeared: the module is on node 1, for movable pages only', async () => {
    const { memory } = await read('x86_64-1g-guest-node-appeared');
    assert.deepEqual(memory.nodes?.[1], { node: 1, onlineBytes: 512 * MiB, movableBytes: 512 * MiB });
  });

  it('S1 balloon: MemTotal has fallen, and no block has moved', async () => {
    const { memory } = await read('x86_64-1g-guest-balloon');
    assert.equal(memory.blocks?.onlineBytes, 1024 * MiB);
    assert.ok((memory.usableBytes ?? 0) < 640 * MiB);
  });

  it('S1 nested-limits: the level above binds, by memory.high', async () => {
    const { memory } = await read('x86_64-512m-guest-nested-limits');
    assert.deepEqual(memory.boundBy, { level: '/level-1', file: 'memory.high' });
    assert.equal(memory.usableBytes, 200 * MiB);
  });
});
