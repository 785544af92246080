// memory.max is lowered below what a full Redis holds, without a plan, and the kernel kills it: what hotadd
// says of it is true, hotadd goes on, and Redis is sized to the memory there is when it is started again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { APP, APP_BYTES, memoryEvent, openFollowedGroup } from './cgroup.ts';
import { needsLab, startRedis } from './guest.ts';

const LOW_BYTES = 48 * MiB;

test('a limit below use: the kill is counted, the driver is named, hotadd goes on', needsLab, async (t) => {
  const { vm, redis, agent } = await openFollowedGroup(t);
  await redis.fill(60 * MiB);
  await vm.write(`${APP}/memory.max`, String(LOW_BYTES));
  const { change, answers, result, report } = await agent.outcome();
  const ended = await vm.until(
    'Redis is killed',
    async () => redis.process.ended,
    (how) => how !== null,
  );
  assert.equal(ended?.signal, 'SIGKILL');
  assert.deepEqual([change.kind, change.fromBytes, change.toBytes], ['shrink', APP_BYTES, LOW_BYTES]);
  assert.notEqual(result, 'done', report);
  assert.deepEqual(answers, [], 'nobody could be asked to move');
  assert.match(report, /cache: cannot be read: .*; start the server, or correct url/);
  const kills = await memoryEvent(vm, 'oom_kill');
  assert.ok(kills > 0);
  const memory = await agent.memory();
  assert.equal(memory.usableBytes, LOW_BYTES);
  assert.equal(memory.pressure?.oomKills, kills);

  const again = await startRedis(vm, { cgroup: APP });
  const mended = await agent.outcome(2, 60_000);
  assert.deepEqual([mended.change.kind, mended.result], ['repair', 'done'], mended.report);
  assert.deepEqual([mended.change.fromBytes, mended.change.toBytes], [LOW_BYTES, LOW_BYTES]);
  const [answer] = mended.answers;
  assert.deepEqual([answer?.driver, answer?.verdict, answer?.proven], ['cache', 'resized', true]);
  const maxmemory = await again.maxmemory();
  assert.ok(maxmemory < LOW_BYTES, `maxmemory is ${maxmemory}`);
  assert.equal(await memoryEvent(vm, 'oom_kill'), kills);
});
