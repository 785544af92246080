// The soak as a test: seconds of what main.ts plays for as long as it is told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../../src/core/bytes.ts';
import type { Footprint } from './footprint.ts';
import { soakCache } from './soak-cache.ts';
import { soakPool } from './soak-pool.ts';

const OPERATIONS = 1_500_000;
const LEASES = 2_000_000;

/** At equal sizes the process takes what it took when it was warm, give or take pages that V8 may keep. */
function assertNoLeak(footprints: readonly Footprint[]): void {
  const [warm, last] = [footprints[4], footprints.at(-1)];
  assert.ok(warm !== undefined && last !== undefined);
  assert.ok(last.heapBytes <= warm.heapBytes + MiB, `${warm.heapBytes}, then ${last.heapBytes} of heap`);
  assert.ok(
    last.residentBytes <= warm.residentBytes + 24 * MiB,
    `${warm.residentBytes}, then ${last.residentBytes} are resident`,
  );
}

test(`soak: a cache is right in each value and account over ${OPERATIONS} operations`, async () => {
  const sizes = { keys: 40_000, mostBytes: 16 * MiB, slabBytes: MiB, segmentBytes: 64 * KiB };
  const soaked = await soakCache({ operations: OPERATIONS, seed: 1, checks: 100, ...sizes });
  assertNoLeak(soaked.footprints);
  for (const met of ['hits', 'refused', 'resizes', 'evictions', 'expirations'] as const)
    assert.ok(soaked[met] > 10, `${met}: ${soaked[met]}`);
});

for (const [slabBytes, slabs] of [
  [MiB, 16],
  [32 * MiB, 3],
] as const) {
  test(`soak: a pool of ${slabBytes / MiB} MiB slabs is exact over ${LEASES} leases`, async () => {
    const soaked = await soakPool({ leases: LEASES, seed: 1, slabBytes, slabs });
    assertNoLeak(soaked.footprints);
    for (const met of ['full', 'resizes'] as const) assert.ok(soaked[met] > 10, `${met}: ${soaked[met]}`);
  });
}
