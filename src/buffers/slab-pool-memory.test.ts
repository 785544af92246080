// Memory really goes back to the operating system, in a process of its own that reads what the kernel counts
// for it: in both kinds of slabs, and in every cycle, because glibc may keep memory after the first.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { MiB } from '../core/bytes.ts';

const CYCLES = 4;
const SIZE = 256 * MiB;

/** Prints the resident bytes of each cycle, full and halved: the least within some seconds. */
const program = (slabBytes: number, touch: boolean) => `
  import { readFileSync } from 'node:fs';
  import { SlabPool } from ${JSON.stringify(new URL('./slab-pool.ts', import.meta.url).href)};
  const residentBytes = () =>
    1024 * Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const pool = new SlabPool('pool', { bytes: 0, slabBytes: ${slabBytes}, touch: ${touch} });
  const leases = [];
  const cycles = [];
  for (let cycle = 0; cycle < ${CYCLES}; cycle += 1) {
    await pool.setBytes(${SIZE});
    for (let lease = pool.acquire(); lease !== null; lease = pool.acquire()) {
      if (!${touch}) lease.bytes.fill(cycle + 1);
      leases.push(lease);
    }
    const full = residentBytes();
    for (const lease of leases.splice(0)) lease.release();
    await pool.setBytes(${SIZE / 2});
    const giveUpAt = performance.now() + 5000;
    let half = residentBytes();
    while (half > full - ${0.45 * SIZE} && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      half = Math.min(half, residentBytes());
    }
    cycles.push({ full, half });
  }
  console.log(JSON.stringify(cycles));
`;

const skip = process.platform === 'linux' ? false : 'VmRSS is read from /proc, which is on Linux only';
for (const [kind, slabBytes, touch] of [
  ['fixed', 32 * MiB, false],
  ['resizable', MiB, false],
  ['resizable', 4 * MiB, false],
  ['resizable', 16 * MiB, false],
  ['fixed, touched ahead', 32 * MiB, true],
] as const) {
  const title = `slab pool: ${slabBytes / MiB} MiB slabs (${kind}) go back to the system in every cycle`;
  test(title, { skip }, () => {
    const script = ['--input-type=module', '-e', program(slabBytes, touch)];
    const { stdout, stderr } = spawnSync(process.execPath, script, { encoding: 'utf8' });
    assert.match(stdout, /^\[/, stderr);
    const cycles = JSON.parse(stdout) as { full: number; half: number }[];
    assert.equal(cycles.length, CYCLES);
    for (const { full, half } of cycles) {
      assert.ok(full > SIZE, `${full} are resident with ${SIZE} in use`);
      assert.ok(
        full - half >= 0.45 * SIZE,
        `${full} before and ${half} after half of ${SIZE} was given back`,
      );
    }
  });
}
