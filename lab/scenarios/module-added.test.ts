// A module is added and the kernel brings it online: memory, driver and history follow. Of three sizes, and
// eight in a row.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../../src/core/bytes.ts';
import { needsLab, openFollowed } from './guest.ts';

for (const [name, bytes] of [
  ['128 MiB', 128 * MiB],
  ['1 GiB', 1 * GiB],
  ['4 GiB', 4 * GiB],
] as const) {
  test(`a module of ${name}: it arrives as one change, and Redis grows, proven`, needsLab, async (t) => {
    const { vm, redis, agent } = await openFollowed(t);
    const before = await vm.memTotalBytes();
    const maxmemoryBefore = await redis.maxmemory();
    await vm.addModule(bytes);
    const outcome = await agent.outcome();
    const after = await vm.memTotalBytes();
    assert.equal(after, before + bytes);
    assert.equal((await agent.memory()).usableBytes, after);
    const { kind, origin, fromBytes, toBytes } = outcome.change;
    assert.deepEqual(
      { kind, origin, fromBytes, toBytes },
      {
        kind: 'grow',
        origin: 'observed',
        fromBytes: before,
        toBytes: after,
      },
    );
    const [answer] = outcome.answers;
    assert.equal(answer?.driver, 'cache');
    assert.equal(answer?.verdict, 'resized');
    assert.equal(answer?.proven, true);
    const maxmemory = await redis.maxmemory();
    assert.ok(maxmemory > maxmemoryBefore, `maxmemory is ${maxmemory}`);
    assert.equal(
      String(maxmemory),
      answer?.settingsAfter?.find(({ name: key }) => key === 'maxmemory')?.value,
    );
  });
}

test('eight modules in a row: every one is seen, and nothing is reported twice', needsLab, async (t) => {
  const { vm, agent } = await openFollowed(t);
  const before = await vm.memTotalBytes();
  for (let count = 1; count <= 8; count += 1) {
    await vm.addModule(128 * MiB);
    const outcome = await agent.outcome(count);
    assert.equal(outcome.change.toBytes, before + count * 128 * MiB);
  }
  const outcomes = agent.outcomes;
  assert.equal(outcomes.length, 8);
  outcomes.reduce((from, { change }) => {
    assert.equal(change.fromBytes, from);
    return change.toBytes;
  }, before);
});

test('eight modules at once: they may be one change or several, and they add up', needsLab, async (t) => {
  const { vm, agent } = await openFollowed(t);
  const before = await vm.memTotalBytes();
  for (let count = 1; count <= 8; count += 1) await vm.addModule(256 * MiB, { wait: false });
  const after = before + 8 * 256 * MiB;
  await vm.until(
    'a change ends at the whole',
    async () => agent.outcomes.at(-1)?.change.toBytes,
    (toBytes) => toBytes === after,
  );
  const added = agent.outcomes.reduce((sum, { change }) => sum + change.toBytes - change.fromBytes, 0);
  assert.equal(added, 8 * 256 * MiB);
});
