// A balloon takes memory from the guest and gives it back, in a hundred steps and without a uevent: the poll
// follows, and Redis fits. One that the guest may take back (deflate-on-oom) leaves MemTotal as it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { Vm } from '../index.ts';
import { TOPOLOGIES } from '../topology.ts';
import { type GuestAgent, needsLab, openFollowed, rounds } from './guest.ts';
import { listenToUevents } from './uevent-listener.ts';

/** Resolves when the last change ends at so many bytes, with all from `first` on. */
async function changesTo(vm: Vm, agent: GuestAgent, toBytes: number, first: number) {
  await vm.until(
    `a change ends at ${toBytes}`,
    async () => agent.outcomes.slice(first).at(-1)?.change.toBytes,
    (reached) => reached === toBytes,
  );
  return agent.outcomes.slice(first);
}

test(
  'a balloon: what it takes and gives back is followed without a uevent, and Redis fits (S3)',
  needsLab,
  async (t) => {
    const { vm, redis, agent } = await openFollowed(t, { topology: 'balloon' });
    const listener = await listenToUevents(vm);
    const whole = await vm.memTotalBytes();
    const less = whole - 512 * MiB;
    const maxmemory: number[] = [];
    let from = whole;
    for (const [balloon, toBytes] of [
      [512 * MiB, less],
      [1024 * MiB, whole],
      [512 * MiB, less],
    ] as const) {
      const first = agent.outcomes.length;
      await vm.balloon.set(balloon);
      const outcomes = await changesTo(vm, agent, toBytes, first);
      assert.equal(await vm.memTotalBytes(), toBytes);
      for (const { change } of outcomes) {
        assert.deepEqual([change.kind, change.fromBytes], [toBytes < from ? 'shrink' : 'grow', from]);
        from = change.toBytes;
      }
      // The last step may be too small to move a setting for.
      const answer = outcomes.flatMap(({ answers }) => answers).at(-1);
      assert.equal(answer?.proven, true);
      // They fit: all that Redis may come to take, and a fifth of memory kept from it (P3).
      const cost = answer?.costAfterBytes ?? Number.NaN;
      assert.ok(cost <= toBytes * 0.8, `Redis may take ${cost} of ${toBytes}`);
      maxmemory.push(await redis.maxmemory());
      if (toBytes === whole) await redis.fill(60 * MiB);
    }
    const [first = 0, grown = 0, again = 0] = maxmemory;
    assert.ok(first < grown && again < grown, `maxmemory was ${maxmemory}`);
    assert.deepEqual(await listener.heard(), []);
  },
);

// A topology of its own, which has to boot: only with all rounds.
if (rounds(false, true)) {
  test('a balloon with deflate-on-oom: it is use, and no change', needsLab, async (t) => {
    const topology = { ...TOPOLOGIES.balloon, balloon: 'deflate-on-oom' } as const;
    const { vm, agent } = await openFollowed(t, { topology });
    const before = await vm.memTotalBytes();
    const used = async () => {
      const text = await vm.read('/proc/meminfo');
      const [total, available] = ['MemTotal', 'MemAvailable'].map((name) =>
        Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]),
      );
      return ((total ?? 0) - (available ?? 0)) * 1024;
    };
    const usedBefore = await used();
    await vm.balloon.set(512 * MiB);
    await vm.until('the guest has given it', used, (bytes) => bytes > usedBefore + 500 * MiB);
    const { levels, usableBytes } = await agent.memory();
    assert.equal(usableBytes, before);
    assert.equal(await vm.memTotalBytes(), before);
    const off = (levels.at(-1)?.usedBytes ?? 0) - (await used());
    assert.ok(Math.abs(off) < 32 * MiB, `used is ${off} bytes off`);
    await vm.addModule(128 * MiB);
    const { change } = await agent.outcome();
    assert.deepEqual([change.fromBytes, change.toBytes], [before, before + 128 * MiB]);
  });
}
