// Does it go through changes as hotadd carries them out? Checks in a world with the production notifier,
// shell and plan (check-driver-world.ts): observed and planned, whole, in part, refused and failed.
import { formatBytes } from '../core/bytes.ts';
import type { Answer, Outcome, Verdict } from '../core/outcome.ts';
import { middleOf } from './check-driver-state.ts';
import { MAKES } from './check-driver-tally.ts';
import { type Checks, sizeOf, type Trial, waitsForRestart } from './check-driver-trial.ts';
import type { CheckWorld } from './check-driver-world.ts';
import { DriverSim } from './driver-sim.ts';

const MENDS: Readonly<Record<Verdict, string>> = {
  resized: 'go on',
  partial: 'go all of the way, or say in why.held what holds it',
  deferred: 'tell afterRestartBytes and pending for what waits for a restart',
  refused: 'refuse only what is below the floorBytes of read(), and tell it there before',
  failed: 'do what resize() is asked, and return the settings as they will read back',
  stuck: 'return from resize() when its signal aborts, within its deadlineMs at the latest',
};

export const CHANGE_CHECKS: Checks = {
  [MAKES.shrinks]: async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const world = await begin(trial);
    for (const roomBytes of [smallBytes, largeBytes, middleOf(trial), smallBytes]) {
      const outcome = await world.arrive(roomBytes);
      expectMoved(trial, world, outcome, `memory goes to ${formatBytes(world.limitBytes)}`);
      await expectAtPlan(trial, world);
    }
  },
  'makes room before memory is taken away': async (trial) => {
    const { smallBytes } = trial.options;
    const world = await begin(trial);
    let sizeThen: number | null = null;
    world.onOperate = () => {
      const { state } = world.witness;
      sizeThen = state === null || state.ceilingBytes === 0 ? 0 : state.costBytes;
    };
    const outcome = await world.carryOut(smallBytes);
    expectMoved(trial, world, outcome, 'a planned shrink');
    if (outcome.result === 'failed') return;
    const problem = `may take ${sizeThen} when memory for ${smallBytes} is left`;
    trial.expect(
      (sizeThen ?? 0) <= smallBytes,
      problem,
      'tell the cost of what is set, and set what is asked',
    );
    await expectAtPlan(trial, world);
  },
  'grows after memory was added on purpose': async (trial) => {
    const world = await begin(trial, trial.options.smallBytes);
    const asked = world.witness.asked.length;
    let askedThen = asked;
    world.onOperate = () => {
      askedThen = world.witness.asked.length;
    };
    const outcome = await world.carryOut(trial.options.largeBytes);
    trial.expect(askedThen === asked, 'is asked before there is memory', 'leave growing to the notifier');
    expectMoved(trial, world, outcome, 'a planned growth');
    await expectAtPlan(trial, world);
  },
  'has its settings back when a planned change fails': async (trial) => {
    const world = await begin(trial);
    world.reaches = () => {
      throw new Error('refused by the check');
    };
    await expectBack(trial, world, () => world.carryOut(trial.options.smallBytes));
  },
  'has its settings back when a neighbour refuses in the middle': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const neighbour = neighbourOf(2 * largeBytes);
    const world = trial.world({ neighbour, roomBytes: 3 * largeBytes });
    world.register({ max: largeBytes });
    await world.notifier.arrive('begin');
    neighbour.behaviour = 'refuse';
    await expectBack(trial, world, () => world.carryOut(2 * smallBytes));
    trial.tally.refusals += 1;
  },
  [MAKES.refusals]: async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const neighbour = neighbourOf(largeBytes);
    neighbour.floorBytes = largeBytes;
    const world = trial.world({ neighbour, roomBytes: 2 * largeBytes });
    world.register();
    await world.notifier.arrive('begin');
    const before = await trial.still();
    const asked = world.witness.asked.length;
    const outcome = await world.carryOut(smallBytes);
    trial.expect(
      outcome.result === 'refused',
      `the change ${outcome.result}`,
      'tell a floor that it can take',
    );
    const untouched = world.witness.asked.length === asked;
    trial.expect(untouched, 'is asked all the same', 'leave resizing to the notifier');
    const after = await trial.still();
    trial.expectSettings(after.settings, before.settings, 'moves unasked', 'only resize() moves it');
  },
  [MAKES.partialEnds]: async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const world = await begin(trial);
    world.reaches = (toBytes) => Math.floor((world.limitBytes + toBytes) / 2);
    const shrink = await world.carryOut(smallBytes);
    expectMoved(trial, world, shrink, 'a shrink that gets half of the way');
    await expectAtPlan(trial, world);
    const growth = await world.carryOut(2 * largeBytes);
    expectMoved(trial, world, growth, 'a growth that gets half of the way');
    await expectAtPlan(trial, world);
  },
  'has nothing to do in a pass without a change': async (trial) => {
    const world = await begin(trial);
    await expectAtPlan(trial, world);
    const asked = world.witness.asked.length;
    for (let pass = 0; pass < 3; pass += 1) await world.notifier.repair('drift pass', { wait: true });
    const state = await trial.still();
    const again = world.witness.asked.length - asked;
    const problem = `is asked ${again} times more where nothing has changed: it costs ${sizeOf(state)}`;
    const mend = 'use the budget down to one step, or tell the ceiling that keeps it from doing so';
    trial.expect(again === 0 || isExcused(state), problem, mend);
  },
  'ends where memory is when changes overtake each other': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const world = await begin(trial, smallBytes);
    const begun = new Promise<void>((resolve) => {
      world.witness.onBegun = resolve;
    });
    const first = world.arrive(largeBytes);
    await Promise.race([begun, first]);
    const second = world.arrive(middleOf(trial));
    await first;
    expectMoved(trial, world, await second, 'a change that overtakes another');
    await expectAtPlan(trial, world);
  },
};

/** A world in which the driver has been brought to its budget. */
export async function begin(trial: Trial, roomBytes = trial.options.largeBytes): Promise<CheckWorld> {
  const world = trial.world({ roomBytes });
  world.register();
  await world.notifier.arrive('begin');
  await world.settle();
  return world;
}

/** One that takes so much and no more, with a neighbour's name. */
export function neighbourOf(sizeBytes: number): DriverSim {
  return new DriverSim('the neighbour', { sizeBytes, ceilingBytes: sizeBytes });
}

/** Its answer is one that an honest driver can give. */
function expectMoved(trial: Trial, world: CheckWorld, outcome: Outcome | null, when: string): void {
  const answer = world.answer(outcome);
  if (answer === null || isHonest(answer)) return;
  const { state } = world.witness;
  if (state !== null && isExcused(state)) return;
  const note = answer.note === null ? '' : ` (${answer.note})`;
  const holds =
    answer.verdict === 'resized'
      ? `holds ${answer.heldAfterBytes} of a budget of ${answer.budgetBytes}`
      : `${answer.verdict}${note}`;
  const mend =
    answer.verdict === 'resized'
      ? 'give the memory back, or say in why.held what holds it'
      : MENDS[answer.verdict];
  throw trial.bad(`${when}: ${holds}`, mend);
}

/** Moved and proven, or not provable by nature. */
function isHonest({ verdict, proven, heldAfterBytes }: Answer): boolean {
  return verdict === 'deferred' || (verdict === 'resized' && (proven || heldAfterBytes === null));
}

/** It could not, and has said why. */
export function isExcused(state: Parameters<typeof waitsForRestart>[0]): boolean {
  return waitsForRestart(state) || state.why?.held !== undefined;
}

/** After the passes that are due, the plan finds nothing left to do. */
export async function expectAtPlan(trial: Trial, world: CheckWorld): Promise<void> {
  await world.settle();
  const budget = await world.budget();
  const { state } = world.witness;
  if (budget === null || state === null) return;
  if (budget.move === 'keep' || budget.move === 'follow' || isExcused(state)) return;
  const problem = `costs ${budget.costBytes} where the plan gives it ${budget.budgetBytes}`;
  throw trial.bad(problem, 'follow each budget, from wherever the last one left it');
}

async function expectBack(trial: Trial, world: CheckWorld, change: () => Promise<Outcome>): Promise<void> {
  const before = await trial.still();
  const outcome = await change();
  trial.expect(outcome.result === 'failed', `the change ${outcome.result}`, 'tell floors that it can take');
  const back = outcome.handedBack.find(({ driver }) => driver === world.witness.name);
  const problem = `does not go back when the change fails: ${back?.note}`;
  trial.expect(back === undefined || back.asBefore, problem, 'set the settings given, all of them');
  const after = await trial.still();
  const differs = 'is not as before after a change that failed';
  trial.expectSettings(after.settings, before.settings, differs, 'set the settings given, all of them');
}
