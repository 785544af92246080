// A module is removed that holds nothing of importance: the agent sees one shrink, and Redis follows, proven.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../src/core/bytes.ts';
import { needsLab, openFollowed } from './guest.ts';

test('a module is removed: one shrink is reported, and Redis is smaller, proven', needsLab, async (t) => {
  const { vm, redis, agent } = await openFollowed(t, { online: 'online_movable' });
  const boot = await vm.memTotalBytes();
  const module = await vm.addModule(1 * GiB);
  const grown = await agent.outcome();
  assert.equal(grown.change.toBytes, boot + 1 * GiB, grown.report);
  const maxmemoryGrown = await redis.maxmemory();
  const removal = await vm.removeModule(module);
  assert.deepEqual(removal, { removed: true });
  assert.equal(await vm.memTotalBytes(), boot);
  const { change, result, answers, report } = await agent.outcome(2);
  const { kind, origin, fromBytes, toBytes } = change;
  assert.deepEqual(
    { kind, origin, fromBytes, toBytes },
    { kind: 'shrink', origin: 'observed', fromBytes: boot + 1 * GiB, toBytes: boot },
    report,
  );
  const [answer] = answers;
  assert.deepEqual([answer?.driver, answer?.verdict, answer?.proven], ['cache', 'resized', true], report);
  assert.equal(result, 'done', report);
  const maxmemory = await redis.maxmemory();
  assert.ok(maxmemory < boot && maxmemory < maxmemoryGrown, `maxmemory is ${maxmemory}`);
  // What comes next is the only other change there is.
  await vm.addModule(1 * GiB);
  const again = await agent.outcome(3);
  assert.deepEqual([again.change.fromBytes, again.change.toBytes], [boot, boot + 1 * GiB], again.report);
  assert.equal(agent.outcomes.length, 3);
});
