// memory.max and memory.high, the own ones and the ancestor's, are lowered and raised by hand: each write is
// one change, with the file that binds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { APP, APP_BYTES, OUTER, openFollowedGroup, usableByFiles } from './cgroup.ts';
import { needsLab, rounds } from './guest.ts';

const OWN = { level: '/outer/app', file: 'memory.max' };

/** What is written, and what binds afterwards. */
const WRITES = [
  { file: `${APP}/memory.high`, to: 104 * MiB, bytes: 104 * MiB, boundBy: { ...OWN, file: 'memory.high' } },
  { file: `${APP}/memory.high`, to: 'max', bytes: APP_BYTES, boundBy: OWN },
  {
    file: `${OUTER}/memory.max`,
    to: 104 * MiB,
    bytes: 104 * MiB,
    boundBy: { level: '/outer', file: 'memory.max' },
  },
  { file: `${OUTER}/memory.max`, to: 'max', bytes: APP_BYTES, boundBy: OWN },
  { file: `${APP}/memory.max`, to: 104 * MiB, bytes: 104 * MiB, boundBy: OWN },
  { file: `${APP}/memory.max`, to: APP_BYTES, bytes: APP_BYTES, boundBy: OWN },
  {
    file: `${OUTER}/memory.high`,
    to: 104 * MiB,
    bytes: 104 * MiB,
    boundBy: { level: '/outer', file: 'memory.high' },
  },
  { file: `${OUTER}/memory.high`, to: 'max', bytes: APP_BYTES, boundBy: OWN },
] as const;

test('limits of v2: each write is one change, and what binds is named (S1, S4)', needsLab, async (t) => {
  const { vm, agent } = await openFollowedGroup(t);
  let fromBytes = APP_BYTES;
  for (const [index, { file, to, bytes, boundBy }] of WRITES.slice(0, rounds(4, 8)).entries()) {
    await vm.write(file, String(to));
    const { change, report } = await agent.outcome(index + 1);
    const memory = await agent.memory();
    assert.equal(change.origin, 'observed', report);
    assert.deepEqual([change.fromBytes, change.toBytes], [fromBytes, bytes], report);
    assert.equal(change.kind, bytes < fromBytes ? 'shrink' : 'grow', report);
    assert.equal(change.cause, file.replace('/sys/fs/cgroup', '').replace(/(.*)\/(.*)/, '$2 of $1'));
    assert.equal(memory.usableBytes, await usableByFiles(vm), report);
    assert.deepEqual(memory.boundBy, boundBy, report);
    assert.equal(agent.outcomes.length, index + 1);
    fromBytes = bytes;
  }
});

test('limits of v2: a limit that does not bind is no change', needsLab, async (t) => {
  const { vm, agent } = await openFollowedGroup(t);
  await vm.write(`${OUTER}/memory.max`, String(200 * MiB));
  await vm.write(`${OUTER}/memory.high`, String(180 * MiB));
  await vm.write(`${APP}/memory.max`, String(104 * MiB));
  const { change } = await agent.outcome();
  assert.deepEqual([change.fromBytes, change.toBytes], [APP_BYTES, 104 * MiB]);
  const { levels, usableBytes } = await agent.memory();
  assert.equal(usableBytes, await usableByFiles(vm));
  const limits = levels.map(({ name, limitBytes, file }) => [name, limitBytes, file]);
  assert.deepEqual(limits.slice(0, 2), [
    ['/outer/app', 104 * MiB, 'memory.max'],
    ['/outer', 180 * MiB, 'memory.high'],
  ]);
  assert.equal(agent.outcomes.length, 1);
});
