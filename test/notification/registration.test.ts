// N11 and N14: who is told, of what, from when on; on the simulated server with production code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { News } from '../../src/core/change.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, SETTLED_MS, type WorldOptions } from './server-world.ts';

/** Hints as they are, twice, none at all, and late. */
const DELIVERIES: readonly NonNullable<WorldOptions['delivery']>[] = [
  {},
  { duplicated: 1 },
  { lost: 1 },
  { delayMs: [1, 400], duplicated: 0.5, overflowed: 0.2 },
];
const MOMENTS_MS = [-1500, -1001, -1000, -251, -250, -249, -100, -1, 0, 1, 99, 100, 249, 250, 251, 350, 999];
const LATE_MS = [1000, 1001, 1249, 1250, 1251, 1350, 2000];

/** Registers with `existing` around the arrival of a module; what was heard, and what was seen by then. */
async function race(options: WorldOptions, momentMs: number, registersFirst: boolean) {
  const { server, clock, sim, partition } = await openWorld(options);
  const heard: { cause: string; usableMiB: number }[] = [];
  const register = () =>
    partition.onChange(
      ({ cause }) => void heard.push({ cause, usableMiB: (partition.memory.usableBytes ?? 0) / MiB }),
      { existing: true },
    );
  const acts = [
    { atMs: 2000, act: () => void server.hotAdd(512 * MiB, sim) },
    { atMs: 2000 + momentMs, act: () => void register() },
  ];
  if (registersFirst) acts.reverse();
  for (const { atMs, act } of acts.sort((one, other) => one.atMs - other.atMs)) {
    await clock.advance(atMs - clock.monotonicMs());
    act();
  }
  await clock.advance(SETTLED_MS);
  return heard;
}

for (const platform of PLATFORMS) {
  describe(`registration on ${platform}`, () => {
    test('N11: being told is opt-in: who has not registered is left as it is, and goes on', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const web = sim.run('web', 500 * MiB);
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(60_000);
      assert.deepEqual([web.alive, web.usedBytes, driver.calls.length], [true, 500 * MiB, 0]);
      assert.equal(partition.memory.usableBytes, 1536 * MiB);
    });

    test('N11: by default only what comes after is told', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      const heard: News[] = [];
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.onChange((news) => void heard.push(news));
      partition.register(driver);
      await clock.advance(60_000);
      assert.deepEqual([heard.length, driver.calls.length], [0, 0]);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual([heard.length, driver.calls.length], [1, 1]);
    });

    test('N11: with existing, all that is there is told as one, before anything that comes', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      for (let count = 0; count < 3; count += 1) server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      const heard: string[] = [];
      partition.onChange(({ cause, kind }) => void heard.push(`${cause} ${kind}`), { existing: true });
      await clock.advance(0);
      assert.deepEqual(heard, ['existing grow']);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(60_000);
      assert.deepEqual(heard, ['existing grow', 'MemTotal grow']);
    });

    test('N11: a module that comes as one registers is told twice at most', async () => {
      for (const delivery of DELIVERIES) {
        for (const momentMs of MOMENTS_MS) {
          const heard = await race({ platform, delivery }, momentMs, momentMs % 2 === 0);
          const where = `${JSON.stringify(delivery)} at ${momentMs} ms: ${JSON.stringify(heard)}`;
          const causes = heard.map(({ cause }) => cause);
          assert.deepEqual(causes.slice(0, 1), ['existing'], where);
          assert.ok(causes.length <= 2, where);
          assert.equal(causes.filter((cause) => cause === 'existing').length, 1, where);
        }
      }
    });

    test('N11: in the race between registration and arrival no module is lost', async () => {
      for (const delivery of DELIVERIES) {
        for (const momentMs of [...MOMENTS_MS, ...LATE_MS]) {
          for (const registersFirst of [false, true]) {
            const heard = await race({ platform, delivery }, momentMs, registersFirst);
            const where = `${JSON.stringify(delivery)} at ${momentMs} ms, ${registersFirst}`;
            assert.equal(heard.at(-1)?.usableMiB, 1536, where);
          }
        }
      }
    });

    test('N11: none, one and many listeners are told, each once', async () => {
      for (const count of [0, 1, 500]) {
        const { server, clock, sim, partition, news } = await openWorld({ platform });
        const heard = new Array<number>(count).fill(0);
        for (let index = 0; index < count; index += 1)
          partition.onChange(() => {
            heard[index] = (heard[index] ?? 0) + 1;
          });
        server.hotAdd(512 * MiB, sim);
        await clock.advance(SETTLED_MS);
        assert.equal(news.length, 1);
        assert.ok(heard.every((times) => times === 1));
      }
    });

    test('N11: a driver registered with existing is planned for at once, and then as others', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.register(driver, { existing: true });
      await clock.advance(0);
      assert.equal(Math.floor(driver.sizeBytes / MiB), 993);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.equal(Math.floor(driver.sizeBytes / MiB), 1489);
    });

    test('N14: who registers during a delivery hears the next news, and not this one', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const heard: number[] = [];
      partition.onChange((_news, context) => {
        context.unregister();
        partition.onChange(({ changeId }) => void heard.push(changeId));
      });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual(heard, []);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual(heard, [2]);
    });

    test('N14: who registers during a delivery with existing hears of the present at once', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const heard: string[] = [];
      partition.onChange((_news, context) => {
        context.unregister();
        const seen = () => `${(partition.memory.usableBytes ?? 0) / MiB} MiB`;
        partition.onChange(({ cause }) => void heard.push(`${cause}: ${seen()}`), { existing: true });
      });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual(heard, ['existing: 1536 MiB']);
    });

    test('N14: a driver that registers during a change is resized from the next one on', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const slow = new DriverSim('slow', { sizeBytes: 100 * MiB });
      slow.behaviour = 'hang';
      partition.register(slow, { max: 200 * MiB });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.equal(partition.notifier.state, 'arriving');
      const late = new DriverSim('late', { sizeBytes: 100 * MiB });
      partition.register(late, { max: 300 * MiB });
      slow.behaviour = 'obey';
      slow.release();
      await clock.advance(SETTLED_MS);
      assert.deepEqual([partition.notifier.state, late.calls.length], ['idle', 0]);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual([late.calls.length, late.sizeBytes], [1, 300 * MiB]);
    });
  });
}
