// Modules are to be taken from a guest whose Redis fills them. Planned by hotadd Redis gives its buffers back
// first, the blocks go offline, and the platform has the modules at once; without it Redis is killed.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { MemoryModule } from '../index.ts';
import { type Followed, needsLab, openFollowed, rounds } from './guest.ts';

const MODULE_BYTES = 512 * MiB;
const VALUE_BYTES = 20_000;

for (let round = 1; round <= rounds(1, 5); round += 1) {
  test(`a planned removal under load, ${round}: nobody is killed (F2)`, needsLab, async (t) => {
    const { vm, redis, agent, modules, boot } = await openFull(t);
    const target = boot + MODULE_BYTES;
    const keysBefore = Number(await redis.run('DBSIZE'));
    const started = performance.now();
    const outcome = await agent.resize(target);
    t.diagnostic(`${outcome.report} in ${Math.round(performance.now() - started)} ms`);
    assert.equal(outcome.result, 'done', `${outcome.report} ${outcome.reason}`);
    const [answer] = outcome.answers;
    assert.deepEqual([answer?.driver, answer?.verdict, answer?.proven], ['cache', 'resized', true]);
    assert.equal(await vm.memTotalBytes(), target);
    for (const module of modules.slice(1).reverse()) {
      const removal = await vm.removeModule(module);
      assert.deepEqual(removal, { removed: true });
    }
    assert.equal(await vm.memTotalBytes(), target);
    assert.equal(await oomKills({ vm }), 0);
    assert.doesNotMatch(vm.console, /Out of memory|oom-kill/);
    assert.equal(redis.process.ended, null);
    const [keys, maxmemory] = [Number(await redis.run('DBSIZE')), await redis.maxmemory()];
    assert.ok(keys < keysBefore, `${keys} of ${keysBefore} keys`);
    assert.ok(keys * VALUE_BYTES > maxmemory * 0.8, `${keys} keys in ${maxmemory} bytes`);
  });
}

test('the same removal without hotadd: the kernel kills Redis', needsLab, async (t) => {
  const { vm, redis, agent, modules } = await openFull(t);
  await agent.stop();
  const removals = modules.slice(1).map((module) => vm.removeModule(module));
  // The platform asks for as long as it takes; what the guest answers in the end does not matter here.
  for (const removal of removals) removal.catch(() => undefined);
  const ended = await vm.until(
    'Redis is killed',
    async () => redis.process.ended,
    (how) => how !== null,
    { timeoutMs: 120_000 },
  );
  assert.equal(ended?.signal, 'SIGKILL');
  assert.ok((await oomKills({ vm })) > 0);
  assert.match(vm.console, new RegExp(`Out of memory: Killed process ${redis.process.pid} `));
});

interface Full extends Followed {
  readonly boot: number;
  readonly modules: readonly MemoryModule[];
}

/** Three modules, and a Redis that fills more than one of them leaves. */
async function openFull(t: TestContext): Promise<Full> {
  const followed = await openFollowed(t, { online: 'online_movable' });
  const { vm, redis, agent } = followed;
  const boot = await vm.memTotalBytes();
  const modules: MemoryModule[] = [];
  for (let count = 1; count <= 3; count += 1) modules.push(await vm.addModule(MODULE_BYTES));
  await vm.until(
    'Redis has grown into the modules',
    () => redis.maxmemory(),
    (bytes) => bytes > boot + 1.2 * MODULE_BYTES,
  );
  await agent.usable(boot + 3 * MODULE_BYTES);
  await redis.fill(boot + 1.2 * MODULE_BYTES, VALUE_BYTES);
  return { ...followed, boot, modules };
}

async function oomKills({ vm }: Pick<Followed, 'vm'>): Promise<number> {
  return Number(/^oom_kill (\d+)$/m.exec(await vm.read('/proc/vmstat'))?.[1]);
}
