// Several processes that plan for a share each of one memory (E6): together they never count on more room
// than one planner of them all would, however unequal they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { MiB } from './bytes.ts';
import { headroomBytes, type PhysicalMemory } from './memory.ts';
import { type Policy, Registry } from './registry.ts';
import { Unmanaged } from './room.ts';
import { type Survey, survey } from './survey.ts';

interface World {
  readonly limitBytes: number;
  /** In use beside the drivers of all processes. */
  readonly othersBytes: number;
  /** What the driver of each process holds. */
  readonly held: readonly number[];
  readonly policy?: Policy;
}

function memoryOf({ limitBytes, othersBytes, held }: World): PhysicalMemory {
  const usedBytes = held.reduce((sum, bytes) => sum + bytes, othersBytes);
  const levels = [{ name: '/app', file: 'memory.max', limitBytes, usedBytes }];
  const bound = { usableBytes: limitBytes, boundBy: { level: '/app', file: 'memory.max' } };
  const rest = { presentBytes: null, onlineBytes: null, blocks: null, nodes: null, pressure: null };
  const whole = { hiddenAncestors: false, stale: [], gone: false };
  return { partition: 'cgroup:/app@1', levels, ...bound, ...rest, ...whole };
}

/** A look of a process with these drivers, one of so many that share. */
function look(world: World, own: readonly number[], processes: number): Promise<Survey> {
  const clock = new ClockSim();
  const registry = new Registry(clock);
  for (const [index, sizeBytes] of own.entries())
    registry.register(new DriverSim(`cache ${index}`, { sizeBytes }), world.policy);
  const seams = {
    ...{ clock, registry, unmanaged: new Unmanaged(), cpus: 2, reserve: null, processes },
    ...{ sense: () => memoryOf(world), selfHeldBytes: () => null, standing: () => null },
  };
  return survey(seams, { repair: false });
}

test('shares: processes that hold the same divide the room that one planner would have', async () => {
  const world = { limitBytes: 4096 * MiB, othersBytes: 1200 * MiB, held: [300, 300, 300, 300].map(mib) };
  const alone = await look(world, world.held, 1);
  const share = await look(world, [300 * MiB], 4);
  assert.ok(Math.abs(share.plan.roomBytes - alone.plan.roomBytes / 4) < 1);
  assert.equal(share.plan.usableBytes, alone.plan.usableBytes);
  assert.equal(share.plan.budgets[0]?.budgetBytes, share.plan.roomBytes);
});

test('shares: together they never count on more than the room, however unequal they are', async () => {
  const random = new RandomSim(20260101);
  let unequal = 0;
  for (let round = 0; round < 300; round += 1) {
    const held = Array.from({ length: random.between(2, 8) }, () => random.between(0, 400) * MiB);
    const world = { limitBytes: 4096 * MiB, othersBytes: random.between(0, 700) * MiB, held };
    const alone = await look(world, held, 1);
    const shares = await Promise.all(held.map((bytes) => look(world, [bytes], held.length)));
    const together = shares.reduce((sum, { plan }) => sum + plan.roomBytes, 0);
    assert.ok(together <= alone.plan.roomBytes, `${together} > ${alone.plan.roomBytes}: ${held}`);
    if (together < alone.plan.roomBytes - held.length) unequal += 1;
  }
  assert.ok(unequal > 0, 'none was unequal enough to be given less');
});

test('shares: what they may grow by fits into what is free, whatever is in use', async () => {
  const random = new RandomSim(20260102);
  for (let round = 0; round < 300; round += 1) {
    const held = Array.from({ length: random.between(2, 8) }, () => random.between(0, 600) * MiB);
    const world = { limitBytes: 4096 * MiB, othersBytes: random.between(0, 4000) * MiB, held };
    const usedBytes = held.reduce((sum, bytes) => sum + bytes, world.othersBytes);
    const shares = await Promise.all(held.map((bytes) => look(world, [bytes], held.length)));
    const grown = shares.map(({ plan }, index) => Math.max(0, plan.roomBytes - (held[index] ?? 0)));
    const freeBytes = Math.max(0, world.limitBytes - headroomBytes(world.limitBytes, 2) - usedBytes);
    const together = grown.reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(together <= freeBytes, `${together} > ${freeBytes}: ${held}`);
  }
});

test('shares: a percentage is one of the own share', async () => {
  const world = { limitBytes: 4096 * MiB, othersBytes: 0, held: [0, 0], policy: { max: { percent: 10 } } };
  const { plan } = await look(world, [0], 2);
  assert.equal(plan.budgets[0]?.budgetBytes, Math.floor(0.1 * 2048 * MiB));
});

function mib(count: number): number {
  return count * MiB;
}
