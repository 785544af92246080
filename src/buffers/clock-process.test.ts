// What a deadline does to a program that has nothing else to do: who awaits it is answered, and a driver that
// nobody awaits keeps nobody alive.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

function run(program: string) {
  const pool = new URL('./slab-pool.ts', import.meta.url).href;
  const source = `
    import { SlabPool } from ${JSON.stringify(pool)};
    const pool = new SlabPool('pool', { bytes: ${2 ** 25} });
    const lease = pool.acquire();
    const { signal } = new AbortController();
    ${program}`;
  const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '--eval', source];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('process clock: who awaits setBytes is answered, though nothing else keeps the program alive', () => {
  const { status, stdout, stderr } = run(`
    await pool.setBytes(0, { deadlineMs: 50 });
    console.log(pool.heldBytes);
    await pool.close();
    console.log('closed');`);
  assert.deepEqual([status, stdout], [0, '65536\nclosed\n'], stderr);
});

test('process clock: a resize that hotadd asked for keeps no program alive', () => {
  const { status, stdout, stderr } = run(`
    const settings = [{ name: 'size', value: '0', live: true }];
    await pool.resize({ settings }, { changeId: 1, phase: 'arrival', deadlineMs: 2 ** 31, signal });
    process.on('exit', () => console.log(pool.sizeBytes, pool.heldBytes, lease.recalled));`);
  assert.deepEqual([status, stdout], [0, '0 65536 true\n'], stderr);
});
