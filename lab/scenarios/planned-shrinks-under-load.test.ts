// The limit of a cgroup is lowered again and again while a writer keeps the Redis inside it full. Planned by
// hotadd nobody is killed; written straight to memory.max the same shrink kills.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { GuestProcess, Vm } from '../index.ts';
import { APP, memoryEvent, openFollowedGroup, readValue } from './cgroup.ts';
import { type Followed, needsLab, rounds } from './guest.ts';

const LARGE_BYTES = 144 * MiB;
const SMALL_BYTES = 96 * MiB;
const WRITER = new URL('programs/redis-writer.js', import.meta.url).pathname;

test(
  'planned shrinks under load: nobody is killed, and the limit ends as asked (F2)',
  needsLab,
  async (t) => {
    const { vm, redis, agent } = await openFollowedGroup(t);
    await agent.resize(LARGE_BYTES);
    await redis.fill(60 * MiB);
    const writer = await startWriter(vm);
    let done = 0;
    const count = rounds(2, 50);
    for (let round = 1; round <= count; round += 1) {
      await full(vm);
      if (await isDone({ vm, redis, agent }, round)) done += 1;
      const grown = await agent.resize(LARGE_BYTES);
      assert.equal(grown.usableBytes, LARGE_BYTES, grown.report);
    }
    t.diagnostic(`${done} of ${count} done; ${writer.lines.at(-1)} values written`);
    assert.ok(done >= count * 0.9, `only ${done} of ${count} were done`);
    assert.equal(writer.ended, null);
    assert.equal(await redis.run('PING'), 'PONG');
  },
);

test('the same shrink, written straight to memory.max: the kernel kills', needsLab, async (t) => {
  const { vm, redis, agent } = await openFollowedGroup(t);
  await agent.resize(LARGE_BYTES);
  await agent.stop();
  await redis.fill(60 * MiB);
  await startWriter(vm);
  await full(vm);
  assert.equal(await memoryEvent(vm, 'oom_kill'), 0);
  await vm.write(`${APP}/memory.max`, String(SMALL_BYTES));
  const ended = await vm.until(
    'Redis is killed',
    async () => redis.process.ended,
    (how) => how !== null,
  );
  assert.equal(ended?.signal, 'SIGKILL');
  assert.ok((await memoryEvent(vm, 'oom_kill')) > 0);
});

function startWriter(vm: Vm): Promise<GuestProcess> {
  return vm.start({ file: WRITER, arguments: ['/tmp/redis.sock'] });
}

/** Waits until Redis holds more than will be left: without a plan the shrink kills. */
async function full(vm: Vm): Promise<void> {
  await vm.until(
    'Redis holds more than will be left',
    async () => Number(/^anon (\d+)$/m.exec(await vm.read(`${APP}/memory.stat`))?.[1]),
    (heldBytes) => heldBytes > SMALL_BYTES + 4 * MiB,
    { timeoutMs: 60_000 },
  );
}

/** One planned shrink: done as asked, or it says in honest words that it was not, and nothing has changed. */
async function isDone({ vm, agent }: Followed, round: number): Promise<boolean> {
  const high = await readValue(vm, 'memory.high');
  const outcome = await agent.resize(SMALL_BYTES);
  const said = `round ${round}: ${outcome.report} ${outcome.reason}`;
  assert.equal(await memoryEvent(vm, 'oom_kill'), 0, said);
  assert.equal(await readValue(vm, 'memory.high'), high, said);
  const max = Number(await readValue(vm, 'memory.max'));
  const used = Number(await readValue(vm, 'memory.current'));
  assert.ok(used <= max, `${said}: ${used} in use is above ${max}`);
  assert.equal(outcome.usableBytes, max, said);
  if (max === LARGE_BYTES) {
    assert.match(outcome.result, /failed|refused/, said);
    assert.ok(outcome.reason, said);
    return false;
  }
  assert.equal(max, SMALL_BYTES, said);
  return outcome.result === 'done';
}
