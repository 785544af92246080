// N12 and N13: from when on nobody is called any more, and when what a callback uses may be freed; on the
// simulated server with production code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAgent } from '../../src/agent/agent.ts';
import { parseConfig } from '../../src/agent/config.ts';
import { MiB } from '../../src/core/bytes.ts';
import type { Driver } from '../../src/core/driver.ts';
import { DRIVERS } from '../../src/drivers/list.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, SETTLED_MS, type World } from './server-world.ts';

/** A listener that does not return before it is let go. */
function heldListener() {
  const state = { calls: 0, release: () => {} };
  const listener = async () => {
    state.calls += 1;
    await new Promise<void>((resolve) => {
      state.release = resolve;
    });
  };
  return { state, listener };
}

/** What has become of a promise by now. */
function watched(promise: Promise<unknown>): { settled: boolean } {
  const seen = { settled: false };
  void promise.then(() => {
    seen.settled = true;
  });
  return seen;
}

async function add({ server, clock, sim }: World): Promise<void> {
  server.hotAdd(512 * MiB, sim);
  await clock.advance(SETTLED_MS);
}

for (const platform of PLATFORMS) {
  describe(`leaving on ${platform}`, () => {
    test('N12: unregister takes effect at once, also for news that is on its way', async () => {
      const world = await openWorld({ platform });
      let calls = 0;
      const registration = world.partition.onChange(() => {
        calls += 1;
      });
      world.partition.registry.tell({ changeId: 7, kind: 'grow', phase: 'arrival', cause: 'a test' });
      const left = watched(registration.unregister());
      await add(world);
      assert.deepEqual([calls, left.settled], [0, true]);
    });

    test('N12: unregister resolves once a call in flight has returned, and after it none runs', async () => {
      const world = await openWorld({ platform });
      const { state, listener } = heldListener();
      const registration = world.partition.onChange(listener);
      await add(world);
      await add(world);
      const left = watched(registration.unregister());
      await add(world);
      assert.deepEqual([state.calls, left.settled], [1, false]);
      state.release();
      await world.clock.advance(0);
      assert.equal(left.settled, true);
      await add(world);
      assert.equal(state.calls, 1, 'what was queued behind it, and what came later, is not told');
    });

    test('N12: from inside a callback context.unregister ends it, and waits for nothing', async () => {
      for (const existing of [false, true]) {
        const world = await openWorld({ platform });
        const calls: string[] = [];
        world.partition.onChange(
          ({ cause }, context) => {
            calls.push(cause);
            assert.equal(context.unregister(), undefined);
          },
          { existing },
        );
        await add(world);
        await add(world);
        assert.deepEqual(calls, [existing ? 'existing' : 'MemTotal']);
      }
    });

    test('N12: a listener that unregisters another during a delivery keeps it from hearing', async () => {
      const world = await openWorld({ platform });
      let calls = 0;
      const others: { unregister(): Promise<void> }[] = [];
      world.partition.onChange(() => Promise.all(others.map((other) => other.unregister())).then(() => {}));
      for (let count = 0; count < 3; count += 1)
        others.push(
          world.partition.onChange(() => {
            calls += 1;
          }),
        );
      await add(world);
      await add(world);
      assert.equal(calls, 0);
      assert.equal(world.news.length, 2);
    });

    test('N12: unregistering twice is as once, and every call of it waits', async () => {
      const world = await openWorld({ platform });
      const { state, listener } = heldListener();
      const registration = world.partition.onChange(listener);
      await add(world);
      const left = [registration.unregister(), registration.unregister()].map(watched);
      await world.clock.advance(1000);
      assert.deepEqual(
        left.map(({ settled }) => settled),
        [false, false],
      );
      state.release();
      await world.clock.advance(0);
      assert.deepEqual(
        left.map(({ settled }) => settled),
        [true, true],
      );
    });

    test('N13: unregistering a driver waits for a call in flight, and none follows', async () => {
      const world = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      let left = { settled: false };
      const calls = { before: 0, after: 0 };
      const count = () => {
        calls[left.settled ? 'after' : 'before'] += 1;
      };
      const counted: Driver = {
        name: 'cache',
        read: () => {
          count();
          return driver.read();
        },
        resize: (target, context) => {
          count();
          return driver.resize(target, context);
        },
        ended: async () => count(),
      };
      const registration = world.partition.register(counted);
      driver.behaviour = 'hang';
      await add(world);
      left = watched(registration.unregister());
      await world.clock.advance(5000);
      assert.deepEqual([left.settled, calls.after], [false, 0]);
      driver.release();
      await world.clock.advance(0);
      assert.equal(left.settled, true);
      await add(world);
      await world.clock.advance(400_000);
      assert.deepEqual([calls.before > 1, calls.after], [true, 0]);
    });

    test('N13: hotadd closes no driver that is registered, nor one that it did not open', async () => {
      const world = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      let closed = 0;
      const closes: Driver = {
        name: 'cache',
        read: () => driver.read(),
        resize: (target, context) => driver.resize(target, context),
        close: async () => {
          closed += 1;
        },
      };
      const registration = world.partition.register(closes);
      await add(world);
      await registration.unregister();
      world.partition.register(closes);
      await world.clock.until(world.partition.close());
      assert.deepEqual([closed, driver.calls.length], [0, 1]);
    });

    test('N13: a driver that its owner closed too early harms nobody else', async () => {
      const world = await openWorld({ platform });
      const broken = new DriverSim('broken', { sizeBytes: 100 * MiB });
      broken.read = () => Promise.reject(new Error('the connection is closed'));
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      world.partition.register(broken);
      world.partition.register(driver);
      await add(world);
      assert.deepEqual([broken.calls.length, driver.sizeBytes > 1024 * MiB], [0, true]);
      const { readings } = await world.partition.plan();
      assert.match(JSON.stringify(readings), /the connection is closed/);
    });
  });
}

test('N13: the agent closes a driver after the last call to it has returned', async () => {
  const { clock, sim } = await openWorld();
  const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
  const order: string[] = [];
  const slow: Driver = {
    name: 'cache',
    read: async () => {
      await new Promise<void>((resolve) => clock.after(2000, resolve));
      order.push('read returned');
      return driver.read();
    },
    resize: (target, context) => driver.resize(target, context),
    close: async () => void order.push('closed'),
  };
  const [redis] = DRIVERS;
  assert.ok(redis);
  const drivers = [{ name: 'cache', driver: 'redis', url: 'redis://127.0.0.1:6379' }];
  const text = JSON.stringify({ version: 1, partition: 'machine', apply: false, drivers });
  const config = await parseConfig(Buffer.from(text), 'hotadd.yaml');
  const kinds = [{ ...redis, open: () => slow }];
  const { machine } = sim;
  const agent = await clock.until(openAgent({ config, program: 'a test', machine, clock, kinds }));
  const look = agent.partition.plan();
  await clock.until(agent.close());
  await clock.until(look);
  assert.deepEqual(order, ['read returned', 'closed']);
});
