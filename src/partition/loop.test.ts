// The loop of a partition: what is measured every few seconds does not run ahead of what settles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../core/bytes.ts';
import type { Outcome } from '../core/outcome.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { openPartition } from './open.ts';

/** As an unplug that the kernel refuses, in the middle of which the loop measures. */
test('loop: a dip that comes back is no change, whenever drivers are looked at (S4)', async () => {
  for (let dipAtMs = 0; dipAtMs < 6_000; dipAtMs += 150) {
    const clock = new ClockSim();
    const machineId = `loop-${process.pid}-${dipAtMs}`;
    const machine = new MachineSim({ bootBytes: 512 * MiB, machineId, usedBytes: () => 10 * MiB });
    const outcomes: Outcome[] = [];
    const partition = await clock.until(
      openPartition({
        ...{ partition: 'machine', machine, clock, apply: true, reserve: 0 },
        onOutcome: (outcome) => outcomes.push(outcome),
      }),
    );
    const module = machine.addMemory(512 * MiB);
    const driver = new DriverSim('cache', { sizeBytes: 900 * MiB, stepBytes: MiB });
    partition.register(driver, { existing: true });
    await clock.advance(22_300);
    // A hint that brings nothing: polls are at other moments than measures from here on.
    machine.addMemory(128 * MiB, { online: false });
    await clock.advance(dipAtMs);
    const before = [driver.sizeBytes, outcomes.length];
    machine.removeMemory(module);
    await clock.advance(400);
    machine.addMemory(512 * MiB);
    await clock.advance(10_000);
    assert.deepEqual([driver.sizeBytes, outcomes.length], before, `a dip at ${dipAtMs} ms`);
    await clock.until(partition.close());
  }
});
