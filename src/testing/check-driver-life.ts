// Does it outlast lives: its own registration, and the planner's? Checks of coming late, of leaving in the
// middle, and of a planner that dies.
import type { Driver } from '../core/driver.ts';
import { begin, expectAtPlan, neighbourOf } from './check-driver-change.ts';
import { MAKES } from './check-driver-tally.ts';
import { type Checks, LETS_GO_MS, type Trial } from './check-driver-trial.ts';
import type { CheckWorld } from './check-driver-world.ts';

const WRITES = 'writes nothing more once resize() has returned and read() tells no move';

export const LIFE_CHECKS: Checks = {
  'takes part when it registers late, and asks for what exists': async (trial) => {
    const { largeBytes, smallBytes } = trial.options;
    const neighbour = neighbourOf(smallBytes);
    neighbour.floorBytes = smallBytes;
    await trial.to(smallBytes);
    const world = trial.world({ neighbour, roomBytes: smallBytes + largeBytes });
    await world.notifier.arrive('begin');
    world.register();
    await world.notifier.repair('a driver has registered', { wait: true });
    const asked = world.witness.asked.length > 0 || world.witness.state?.ceilingBytes === 0;
    const problem = `is not asked: it costs ${world.witness.state?.costBytes} of ${largeBytes}`;
    trial.expect(asked, problem, 'tell the cost and the ceiling as they are');
    await expectAtPlan(trial, world);
  },
  'is left alone when it unregisters in the middle of a resize': async (trial) => {
    const world = trial.world();
    const registration = world.register();
    await world.notifier.arrive('begin');
    const unregistered = new Promise<void>((resolve) => {
      world.witness.onBegun = () => void registration.unregister().then(resolve);
    });
    await world.arrive(trial.options.smallBytes);
    if (world.witness.onBegun !== null) await registration.unregister();
    else await expectUnregistered(trial, unregistered);
    const asked = world.witness.asked.length;
    await world.arrive(trial.options.largeBytes);
    const calls = world.witness.asked.length - asked;
    trial.expect(
      calls === 0,
      `is asked ${calls} times after it unregistered`,
      'report it: hotadd is at fault',
    );
    const problem = 'goes on writing after it is unregistered';
    await trial.expectRest(trial.driver, problem, WRITES);
  },
  'writes nothing after it is closed': async (trial) => {
    await trial.to(trial.options.largeBytes);
    const asked = trial.start({ bytes: trial.options.smallBytes }).catch(() => []);
    await trial.settles(Promise.all([asked, trial.driver.close?.()]));
    const problem = 'goes on writing after it is closed';
    await trial.expectRest(await trial.another(), problem, 'end what is under way in close()');
  },
  [MAKES.crashes]: async (trial) => {
    const first = await begin(trial);
    await die(trial, first, 'onBegun');
    const world = await nextLife(trial, first);
    await expectAtPlan(trial, world);
  },
  [MAKES.interruptedIntents]: async (trial) => {
    const first = await begin(trial);
    await die(trial, first, 'onReturned');
    // Memory has come back while nobody was there: what counts is what is, not what was begun.
    const world = await nextLife(trial, first, trial.options.largeBytes);
    await expectAtPlan(trial, world);
  },
  'is read by the next planner as the last one left it': async (trial) => {
    const first = await begin(trial, trial.options.smallBytes);
    await expectAtPlan(trial, first);
    await first.close();
    const world = trial.world({ records: first.records, roomBytes: trial.options.smallBytes });
    world.register();
    await world.notifier.arrive('begin');
    await expectAtPlan(trial, world);
  },
};

/** The planner dies in the middle of a shrink; its driver is cut off and closed. */
async function die(trial: Trial, world: CheckWorld, when: 'onBegun' | 'onReturned'): Promise<void> {
  const died = new Promise<'died'>((resolve) => {
    world.witness[when] = () => {
      world.kill();
      resolve('died');
    };
  });
  const ended = await Promise.race([died, world.arrive(trial.options.smallBytes)]);
  const mend = 'tell the cost as it is: only who costs more than its budget is asked to shrink';
  trial.expect(ended === 'died', 'is not asked when memory shrinks', mend);
  const closed = await trial.settles(Promise.resolve(trial.driver.close?.()), 2 * LETS_GO_MS);
  trial.expect(closed, 'does not close in the middle of a move', 'end what is under way in close()');
}

/** Another driver over the same software, another planner over what the last one wrote down. */
async function nextLife(
  trial: Trial,
  last: CheckWorld,
  roomBytes = trial.options.smallBytes,
): Promise<CheckWorld> {
  const driver: Driver = await trial.another();
  const world = trial.world({ driver, records: last.records, roomBytes });
  world.register();
  await world.notifier.arrive('begin');
  return world;
}

async function expectUnregistered(trial: Trial, unregistered: Promise<void>): Promise<void> {
  const left = await trial.settles(unregistered, trial.waitMs);
  const problem = `has not returned from resize() ${trial.waitMs} ms after it unregistered`;
  trial.expect(left, problem, 'unregister() waits for the call in flight: return from it');
}
