// The system gives no more memory, in a process of its own whose address space is limited while it runs:
// pools say so, caches go on with what they have, and both take more when there is more.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { MiB } from '../core/bytes.ts';

const SLAB = 32 * MiB;
/** Slabs that can still be had, and some MiB for V8. */
const LEFT = 3 * SLAB + 16 * MiB;

const importOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
const PRELUDE = `
  import { spawnSync } from 'node:child_process';
  import { readFileSync } from 'node:fs';
  import { ByteCache } from ${importOf('./byte-cache.ts')};
  import { SlabPool } from ${importOf('./slab-pool.ts')};
  import { ClockSim } from ${importOf('../testing/clock-sim.ts')};
  const clock = new ClockSim();
  const pid = String(process.pid);
  const limit = (bytes) => spawnSync('prlimit', ['--pid', pid, '--as=' + bytes + ':unlimited']);
  const take = (pool, leases) => {
    try {
      for (let lease = pool.acquire(); lease !== null; lease = pool.acquire()) leases.push(lease);
      return 'full';
    } catch (error) {
      return error.name;
    }
  };
  const sizes = { bytes: 64 * ${SLAB}, slabBytes: ${SLAB}, clock };
  // Loaded and warm before there is a limit.
  limit('unlimited');
  const addressBytes = Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
`;

const skip = process.platform === 'linux' ? false : 'prlimit limits a process on Linux only';

function play(program: string): unknown {
  const args = ['--input-type=module', '-e', `${PRELUDE}${program}`];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout, /^[{[]/, stderr);
  return JSON.parse(stdout);
}

test('slab pool: without memory a lease is an error once, then there is none, until there is memory', {
  skip,
}, () => {
  const told = play(`
    const pool = new SlabPool('pool', { ...sizes, leaseBytes: ${SLAB} });
    const leases = [];
    limit(addressBytes + ${LEFT});
    const told = [take(pool, leases), take(pool, leases)];
    const [few] = [leases.length];
    limit('unlimited');
    told.push(take(pool, leases));
    await clock.advance(1000);
    told.push(take(pool, leases), few > 0 && few <= 3, leases.length);
    for (const lease of leases) lease.release();
    await clock.until(pool.setBytes(0));
    console.log(JSON.stringify([...told, pool.heldBytes]));
  `);
  assert.deepEqual(told, ['RangeError', 'full', 'full', 'full', true, 64, 0]);
});

test('byte cache: without memory it evicts, is right in every account, and gives all back', { skip }, () => {
  const told = play(`
    const cache = new ByteCache('cache', { ...sizes, segmentBytes: ${SLAB} });
    const values = [1, 2, 3].map((fill) => Buffer.alloc(100_000 * fill, fill));
    const largest = Buffer.alloc(${SLAB - MiB});
    limit(addressBytes + largest.length + ${LEFT});
    let kept = 0;
    for (let key = 0; key < 2_000; key += 1) if (cache.set('key ' + key, values[key % 3])) kept += 1;
    const few = cache.heldBytes / ${SLAB};
    let [entries, bytes, wrong] = [0, 0, 0];
    for (let key = 0; key < 2_000; key += 1) {
      const lease = cache.get('key ' + key);
      if (lease === null) continue;
      entries += 1;
      bytes += lease.length;
      if (!values[key % 3].equals(lease.bytes)) wrong += 1;
      lease.release();
    }
    const exact = cache.stats.entries === entries && cache.stats.bytes === bytes;
    cache.set('largest', largest);
    let error = null;
    const copies = [];
    try {
      for (let copy = 0; copy < 8; copy += 1) copies.push(cache.getCopy('largest'));
    } catch (caught) {
      error = caught.name;
    }
    const evicts = cache.stats.evictions > 0 && entries > 0;
    await clock.until(cache.setBytes(0));
    const told = { kept, few: few > 0 && few <= 3, wrong, exact, error, evicts, held: cache.heldBytes };
    console.log(JSON.stringify(told));
  `);
  const held = 0;
  assert.deepEqual(told, {
    kept: 2_000,
    few: true,
    wrong: 0,
    exact: true,
    error: 'RangeError',
    evicts: true,
    held,
  });
});
