import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim, type DriverSimOptions } from '../testing/driver-sim.ts';
import { MiB } from './bytes.ts';
import type { News } from './change.ts';
import { HotaddError } from './errors.ts';
import type { Limit, PhysicalMemory, StaleReading } from './memory.ts';
import { Notifier, type NotifierSeams } from './notifier.ts';
import type { Outcome } from './outcome.ts';
import type { Operation } from './planned.ts';
import type { Intent } from './record.ts';
import { Registry } from './registry.ts';
import { Unmanaged } from './room.ts';

/** A cgroup of so many MiB whose use is what its drivers hold and what others hold. */
class World {
  readonly clock = new ClockSim();
  readonly registry = new Registry(this.clock);
  readonly intents: Intent[] = [];
  readonly outcomes: Outcome[] = [];
  readonly news: News[] = [];
  readonly journal: string[] = [];
  readonly drivers: DriverSim[] = [];
  limit: Limit;
  othersBytes = 0;
  stale: StaleReading[] = [];
  gone = false;
  historyError: Error | null = null;
  operationError: Error | null = null;
  readonly notifier: Notifier;
  #changeId = 0;

  constructor(limitMiB: number, over: Partial<NotifierSeams> = {}) {
    this.limit = limitMiB * MiB;
    this.notifier = new Notifier({
      clock: this.clock,
      registry: this.registry,
      unmanaged: new Unmanaged(),
      cpus: 1,
      reserve: 0,
      apply: true,
      sense: () => this.sense(),
      selfHeldBytes: () => null,
      standing: () => null,
      recorder: {
        nextChangeId: () => ++this.#changeId,
        intent: async (intent) => {
          if (this.historyError) throw this.historyError;
          this.intents.push(intent);
        },
        outcome: async (outcome) => {
          this.outcomes.push(outcome);
        },
      },
      ...over,
    });
    this.registry.listen((news) => {
      this.news.push(news);
    });
  }

  sense(): PhysicalMemory {
    const held = this.drivers.reduce((sum, { heldBytes }) => sum + (heldBytes ?? 0), 0);
    const usableBytes = this.limit === 'max' ? 4096 * MiB : this.limit;
    return {
      partition: 'cgroup:/app@1',
      presentBytes: null,
      onlineBytes: 4096 * MiB,
      usableBytes,
      boundBy: { level: '/app', file: 'memory.max' },
      levels: [
        { name: '/app', file: 'memory.max', limitBytes: this.limit, usedBytes: held + this.othersBytes },
        { name: 'machine', file: 'MemTotal', limitBytes: 4096 * MiB, usedBytes: held + this.othersBytes },
      ],
      hiddenAncestors: false,
      blocks: null,
      nodes: null,
      pressure: null,
      stale: this.stale,
      gone: this.gone,
    };
  }

  add(name: string, sizeMiB: number, options: Omit<DriverSimOptions, 'sizeBytes'> = {}): DriverSim {
    const driver = new DriverSim(name, { ...options, sizeBytes: sizeMiB * MiB });
    this.drivers.push(driver);
    this.registry.register(driver);
    return driver;
  }

  readonly operation: Operation = {
    name: 'memory.max of /app',
    read: () => this.limit,
    operate: async (toBytes) => {
      if (this.operationError) throw this.operationError;
      this.journal.push(
        `limit ${toBytes / MiB} with ${this.drivers.map(({ sizeBytes }) => sizeBytes / MiB).join('+')}`,
      );
      this.limit = toBytes;
      return { reachedBytes: toBytes };
    },
  };

  async settled(): Promise<void> {
    await this.clock.until(this.notifier.arrive('begin'));
  }

  arriveAt(limitMiB: number): Promise<Outcome | null> {
    this.limit = limitMiB * MiB;
    return this.notifier.arrive('memory.max of /app');
  }

  plan(toMiB: number): Promise<Outcome> {
    return this.notifier.carryOut({
      toBytes: toMiB * MiB,
      operation: this.operation,
      cause: 'memory.max of /app',
    });
  }
}

const sizes = (world: World) => world.drivers.map(({ sizeBytes }) => Math.round(sizeBytes / MiB));
const verdicts = (outcome: Outcome | null) =>
  Object.fromEntries((outcome?.answers ?? []).map((answer) => [answer.driver, answer.verdict]));

async function twoDrivers(limitMiB = 1016) {
  const world = new World(limitMiB);
  const first = world.add('first', 100);
  const second = world.add('second', 100);
  await world.settled();
  return { world, first, second };
}

test('observed growth: drivers share the new room, and each growth is proven', async () => {
  const { world } = await twoDrivers(516);
  assert.deepEqual(sizes(world), [250, 250]);
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.equal(outcome?.result, 'done');
  assert.deepEqual(sizes(world), [493, 493]);
  assert.ok(outcome?.answers.every(({ verdict, proven }) => verdict === 'resized' && proven));
  assert.equal(world.notifier.state, 'idle');
});

test('observed shrink: drivers are resized down at once, largest excess first', async () => {
  const { world } = await twoDrivers();
  const outcome = await world.clock.until(world.arriveAt(516));
  assert.deepEqual(sizes(world), [250, 250]);
  assert.equal(outcome?.result, 'done');
});

test('pass: one with nothing to do writes nothing', async () => {
  const { world, first } = await twoDrivers();
  const before = {
    intents: world.intents.length,
    outcomes: world.outcomes.length,
    calls: first.calls.length,
  };
  assert.equal(await world.clock.until(world.notifier.repair('drift pass')), null);
  assert.deepEqual(
    { intents: world.intents.length, outcomes: world.outcomes.length, calls: first.calls.length },
    before,
  );
});

test('pass: history has the intent before any driver is called, and the outcome after (E2)', async () => {
  const world = new World(516);
  const driver = world.add('cache', 100);
  let intentsAtCall = -1;
  const plain = driver.resize.bind(driver);
  driver.resize = (target, context) => {
    intentsAtCall = world.intents.length;
    return plain(target, context);
  };
  await world.settled();
  assert.equal(intentsAtCall, 1);
  assert.equal(world.outcomes.length, 1);
  assert.equal(world.intents[0]?.change.changeId, world.outcomes[0]?.change.changeId);
});

test('pass: a driver that throws, lies, goes half way or refuses harms only itself (E5)', async () => {
  for (const [behaviour, verdict] of [
    ['throw', 'failed'],
    ['ignore', 'failed'],
    ['half', 'partial'],
    ['refuse', 'refused'],
  ] as const) {
    const { world, first } = await twoDrivers(516);
    first.behaviour = behaviour;
    const outcome = await world.clock.until(world.arriveAt(1016));
    assert.deepEqual(verdicts(outcome), { first: verdict, second: 'resized' });
    assert.equal(outcome?.result, 'partly');
  }
});

test('pass: a driver that hangs is stuck, and growth that needs nothing of it is not delayed (E5)', async () => {
  const { world, first } = await twoDrivers(516);
  first.behaviour = 'hang';
  const arriving = world.arriveAt(1016);
  await world.clock.advance(50);
  assert.equal(Math.round((world.drivers[1]?.sizeBytes ?? 0) / MiB), 493);
  assert.deepEqual(verdicts(await world.clock.until(arriving)), { first: 'stuck', second: 'resized' });
});

test('pass: growth waits for the shrink that gives it room, and is sent as soon as that is proven (P1)', async () => {
  const world = new World(1016);
  const large = world.add('large', 900);
  const small = world.add('small', 10);
  const sums: number[] = [];
  const plain = small.resize.bind(small);
  small.resize = (target, context) => {
    if ('bytes' in target) sums.push((target.bytes + Math.max(large.sizeBytes, large.heldBytes ?? 0)) / MiB);
    return plain(target, context);
  };
  await world.settled();
  assert.deepEqual(sizes(world), [493, 493]);
  assert.ok(sums.length > 0 && sums.every((sum) => sum <= 986), `room is 986, taken ${sums}`);
});

test('pass: when a shrink gives nothing, growth is cut to what is free (P1)', async () => {
  const world = new World(1016);
  const large = world.add('large', 800);
  const small = world.add('small', 10);
  large.behaviour = 'throw';
  await world.settled();
  assert.deepEqual(sizes(world), [800, 186]);
  assert.equal(small.calls.length, 1);
});

test('pass: unmanaged use that rises while drivers shrink is seen before growth is sent (P1)', async () => {
  const world = new World(1016);
  world.add('large', 900);
  world.add('small', 10);
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  world.othersBytes = 300 * MiB;
  await world.clock.until(arriving);
  const total = world.drivers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / MiB;
  assert.ok(total <= 1016 - 30 - 300, `drivers take ${total} MiB`);
});

test('pass: nothing is resized while a reading is stale but down, and nothing at all when gone (S2)', async () => {
  const { world } = await twoDrivers(516);
  world.stale = [{ reading: '/app/memory.high', error: 'EIO' }];
  await world.clock.until(world.arriveAt(1016));
  assert.deepEqual(sizes(world), [250, 250]);
  await world.clock.until(world.arriveAt(416));
  assert.deepEqual(sizes(world), [200, 200]);
  world.gone = true;
  assert.equal(await world.clock.until(world.arriveAt(316)), null);
  assert.deepEqual(sizes(world), [200, 200]);
});

test('pass: with apply false the plan is told and nobody is called', async () => {
  const world = new World(516, { apply: false });
  const driver = world.add('cache', 100);
  await world.settled();
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.equal(driver.calls.length, 0);
  assert.match(outcome?.report ?? '', /cache would go 100 MiB -> 986 MiB/);
});

test('pass: without a history shrinks go on and growth does not (E2)', async () => {
  const { world } = await twoDrivers(516);
  world.historyError = new HotaddError('HOTADD_HISTORY', 'disk full');
  assert.equal((await world.clock.until(world.arriveAt(1016)))?.result, 'failed');
  assert.deepEqual(sizes(world), [250, 250]);
  await world.clock.until(world.arriveAt(416));
  assert.deepEqual(sizes(world), [200, 200]);
});

test('observed change: a deeper fall overtakes the round under way and drivers end at the deeper one (S4)', async () => {
  const { world } = await twoDrivers();
  const first = world.arriveAt(716);
  await world.clock.advance(500);
  const second = world.arriveAt(416);
  await world.clock.until(second);
  const outcome = await first;
  assert.equal(outcome?.result, 'partly');
  assert.match(outcome?.reason ?? '', /overtaken/);
  assert.deepEqual(sizes(world), [200, 200]);
});

test('planned shrink: buffers first, memory after, and the drivers told start hear complete exactly once', async () => {
  const { world, first } = await twoDrivers();
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'done');
  assert.deepEqual(world.journal, ['limit 516 with 250+250']);
  assert.deepEqual(first.endings, [{ changeId: outcome.change.changeId, phase: 'complete' }]);
  assert.deepEqual(
    world.news.filter(({ changeId }) => changeId === outcome.change.changeId).map(({ phase }) => phase),
    ['start', 'complete'],
  );
});

test('planned shrink: the limit is never written below use plus headroom (F2)', async () => {
  const { world, first, second } = await twoDrivers();
  second.floorBytes = 250 * MiB;
  first.behaviour = 'clings';
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.deepEqual(world.journal, []);
  assert.match(outcome.reason ?? '', /no room is proven.*first .*holds 493 MiB where 250 MiB was asked/);
});

test('planned shrink: one that fails hands back the settings exactly, to those that changed (F3)', async () => {
  const { world, first, second } = await twoDrivers();
  const before = sizes(world);
  first.behaviour = 'throw';
  world.othersBytes = 100 * MiB;
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.deepEqual(sizes(world), before);
  assert.deepEqual(outcome.handedBack, [
    { driver: 'first', asBefore: true, note: null },
    { driver: 'second', asBefore: true, note: null },
  ]);
  assert.deepEqual(
    second.endings.map(({ phase }) => phase),
    ['failure'],
  );
});

test('planned shrink: when one refuses, one more plan asks the others', async () => {
  const { world, first } = await twoDrivers();
  first.behaviour = 'refuse';
  first.heldBytes = 150 * MiB;
  const outcome = await world.clock.until(world.plan(816));
  assert.deepEqual(verdicts(outcome), { first: 'refused', second: 'resized' });
  assert.deepEqual(sizes(world), [493, 299]);
  assert.equal(outcome.result, 'partly');
  assert.equal(world.limit, 816 * MiB);
});

test('planned shrink: floors that do not fit refuse the change before anyone is told', async () => {
  const { world, first } = await twoDrivers();
  first.floorBytes = 450 * MiB;
  const calls = first.calls.length;
  const outcome = await world.clock.until(world.plan(400));
  assert.equal(outcome.result, 'refused');
  assert.match(outcome.reason ?? '', /floors exceed the room of 384 MiB by 66 MiB.*first needs 450 MiB/);
  assert.equal(first.calls.length, calls);
  assert.equal(world.news.filter(({ phase }) => phase === 'start').length, 0);
});

test('planned shrink: a newer fact met while starting is told as failure, then the arrival', async () => {
  const { world, first } = await twoDrivers();
  const planned = world.plan(716);
  await world.clock.advance(500);
  const arrival = world.arriveAt(416);
  const outcome = await world.clock.until(planned);
  assert.equal(outcome.result, 'failed');
  assert.match(outcome.reason ?? '', /newer fact/);
  await world.clock.until(arrival);
  assert.deepEqual(
    first.endings.map(({ phase }) => phase),
    ['failure'],
  );
  assert.deepEqual(sizes(world), [200, 200]);
  assert.deepEqual(world.journal, []);
});

test('planned shrink: an operation that fails is failure, with settings handed back', async () => {
  const { world } = await twoDrivers();
  world.operationError = new Error('EBUSY');
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.equal(outcome.reason, 'EBUSY');
  assert.deepEqual(sizes(world), [493, 493]);
});

test('planned growth: nobody moves before the limit is written', async () => {
  const { world } = await twoDrivers(516);
  const outcome = await world.clock.until(world.plan(1016));
  assert.deepEqual(world.journal, ['limit 1016 with 250+250']);
  assert.deepEqual(sizes(world), [493, 493]);
  assert.equal(outcome.result, 'done');
});

test('planned change: a second one gets HOTADD_BUSY with who holds it', async () => {
  const { world } = await twoDrivers();
  const first = world.plan(716);
  await assert.rejects(world.plan(616), (error: HotaddError) => error.code === 'HOTADD_BUSY');
  await world.clock.advance(300);
  await assert.rejects(world.plan(616), /change \d+ \(memory.max of \/app\) is under way/);
  await world.clock.until(first);
});

test('planned change: none begins while a reading is stale, the partition is gone or history cannot be written (S2, E2)', async () => {
  const { world, first } = await twoDrivers();
  const calls = first.calls.length;
  world.stale = [{ reading: 'memory.max', error: 'EIO' }];
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_UNREADABLE',
  );
  world.stale = [];
  world.historyError = new HotaddError('HOTADD_HISTORY', 'disk full');
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_HISTORY',
  );
  world.gone = true;
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_GONE',
  );
  assert.equal(first.calls.length, calls);
  assert.equal(world.notifier.state, 'idle');
});

test('report: the line adds up: costs and unclaimed are the room (F4)', async () => {
  const world = new World(516);
  world.add('cache', 100, { ceilingBytes: 200 * MiB });
  await world.settled();
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.match(
    outcome?.report ?? '',
    /^\+500 MiB \(516 MiB -> 1016 MiB, memory\.max of \/app\): nobody had to move; /,
  );
  assert.match(
    outcome?.report ?? '',
    /room 986 MiB = 200 MiB in drivers \+ 786 MiB unclaimed \(cache: ceiling 200 MiB\)$/,
  );
});
