// Memory hunted and soaked, as long as is asked for:
//
//   node test/hunt/main.ts --histories 10000      I/O, crypto and zlib on leases of pools and caches
//   node test/hunt/main.ts --operations 1000000000    a cache in simulated time, every account exact
//   node test/hunt/main.ts --leases 100000000     the same for a slab pool
//   node test/hunt/main.ts --entries 10000000     how long the longest calls take
import { parseArgs } from 'node:util';
import { KiB, MiB } from '../../src/core/bytes.ts';
import type { Broken } from './history.ts';
import { hunt } from './hunt.ts';
import { longestCalls } from './longest.ts';
import { soakCache } from './soak-cache.ts';
import { soakPool } from './soak-pool.ts';

const { values } = parseArgs({
  options: {
    histories: { type: 'string' },
    first: { type: 'string', default: '1' },
    /** `pool` or `user`: a bug on purpose, which has to be found. */
    broken: { type: 'string' },
    operations: { type: 'string' },
    leases: { type: 'string' },
    entries: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const startedMs = performance.now();
const tell = (line: string) =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s: ${line}`);
const seed = Number(values.seed);

if (values.histories !== undefined) {
  const broken = (values.broken ?? null) as Broken;
  const found = await hunt({ histories: Number(values.histories), first: Number(values.first), broken });
  tell(`no byte is wrong: ${JSON.stringify(found)}`);
}
if (values.operations !== undefined) {
  const operations = Number(values.operations);
  const sizes = { keys: 98_304, mostBytes: 32 * MiB, slabBytes: MiB, segmentBytes: 64 * KiB };
  const checks = Math.max(20, operations / 1_000_000);
  const soaked = await soakCache({ operations, seed, checks, ...sizes, onTenth: tell });
  tell(`every account is exact: ${JSON.stringify(soaked)}`);
}
if (values.leases !== undefined) {
  for (const [slabBytes, slabs] of [
    [MiB, 32],
    [32 * MiB, 4],
  ] as const) {
    const soaked = await soakPool({ leases: Number(values.leases), seed, slabBytes, slabs, onTenth: tell });
    tell(`every account is exact: ${JSON.stringify(soaked)}`);
  }
}
if (values.entries !== undefined)
  await longestCalls({ entries: Number(values.entries), valueBytes: 50 }, tell);
