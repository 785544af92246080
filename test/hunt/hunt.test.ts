// The hunt as a test: some histories of all kinds, in which all kinds of calls met shrinks; and two bugs on
// purpose, each of which it catches. Those may end a process, so they are planted in one of their own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SINKS, SOURCES } from './calls.ts';
import { hunt } from './hunt.ts';

const HISTORIES = 300;
const BROKEN_HISTORIES = 200;
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

test(`hunt: no byte is wrong in ${HISTORIES} histories of calls on leases that outlast shrinks`, async () => {
  const { calls, counts } = await hunt({ histories: HISTORIES });
  assert.deepEqual(Object.keys(calls).sort(), [...Object.keys(SOURCES), ...Object.keys(SINKS)].sort());
  for (const met of [
    'slabs gone',
    'releases that wait for a call',
    'leases under calls that outlast a shrink',
    'evictions',
    'full',
  ])
    assert.ok((counts[met] ?? 0) > 20, `${met}: ${counts[met]}`);
});

for (const [broken, bug] of [
  ['pool', 'a pool frees its slabs at the deadline'],
  ['user', 'a lease is released before its call has called back'],
] as const) {
  test(`hunt: it catches that ${bug}`, () => {
    const args = [MAIN, '--histories', String(BROKEN_HISTORIES), '--broken', broken];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.doesNotMatch(stdout, /no byte is wrong/);
    // It either finds a byte that is wrong, or the process has touched memory that is gone.
    assert.ok(signal !== null || (status !== 0 && /history \d+: /.test(stderr)), `${status}: ${stderr}`);
  });
}
