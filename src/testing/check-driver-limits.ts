// Does it say beforehand what it will not do, and keep to it? Checks of floors, ceilings and refusals.
import { Refusal } from '../core/errors.ts';
import { type Checks, COSTS, saidBy, slackOf, type Trial } from './check-driver-trial.ts';

const REASON = 'say why in a few words: the plan shows it to whoever wonders';

export const LIMIT_CHECKS: Checks = {
  'refuses what is below its floor, and changes nothing': async (trial) => {
    const before = await trial.to(trial.options.smallBytes);
    if (before.floorBytes < 1) return;
    await refusalOf(trial, before.floorBytes);
    const after = await trial.still();
    const problem = 'changed settings and then refused';
    trial.expectSettings(after.settings, before.settings, problem, 'refuse before writing');
  },
  'refuses with its reason and the least it takes': async (trial) => {
    const { floorBytes } = await trial.to(trial.options.smallBytes);
    if (floorBytes < 1) return;
    const { message, floorBytes: least } = await refusalOf(trial, floorBytes);
    trial.expect(message.trim() !== '', 'refuses without a word', REASON);
    trial.expect(Number.isSafeInteger(least), `refuses with a floor of ${least}`, 'bytes are whole numbers');
    const problem = 'refuses, and names a floor that is no higher';
    trial.expect(least > floorBytes - 1, problem, 'name the least it takes');
  },
  'takes the floor that it names, and says why it is one': async (trial) => {
    const { floorBytes } = await trial.to(trial.options.smallBytes);
    if (floorBytes < 1) return;
    const { floorBytes: least } = await refusalOf(trial, floorBytes);
    const problem = `names a floor of ${least} and does not take it`;
    await trial.ask({ bytes: least }).catch((error: unknown) => {
      throw trial.bad(`${problem}: ${saidBy(error)}`, 'name the least it takes now', error);
    });
    const state = await trial.still();
    const costs = `costs ${state.costBytes} at the floor of ${least} that it names`;
    // What stops on its way down for a reason says so, and has not failed.
    const isDown = state.costBytes <= least + state.stepBytes || state.afterRestartBytes !== undefined;
    trial.expect(isDown || state.why?.held !== undefined, costs, COSTS);
    trial.expect(state.why?.floor !== undefined, 'is at its floor, and why.floor is missing', REASON);
  },
  'takes a floor of 0 that it names': async (trial) => {
    const { floorBytes, ceilingBytes } = await trial.to(trial.options.smallBytes);
    if (floorBytes > 0 || ceilingBytes === 0) return;
    await trial.ask({ bytes: 0 }).catch((error: unknown) => {
      const problem = `names a floor of 0 and does not take it: ${saidBy(error)}`;
      throw trial.bad(problem, 'name the least it takes now as floorBytes', error);
    });
    const state = await trial.still();
    const isDown = state.costBytes <= state.stepBytes || state.afterRestartBytes !== undefined;
    const problem = `costs ${state.costBytes} at its floor of 0`;
    trial.expect(
      isDown || state.why?.held !== undefined,
      problem,
      'name the least it can cost as floorBytes',
    );
  },
  'takes no more than its ceiling, and says why it is one': async (trial) => {
    const { ceilingBytes } = await trial.still();
    if (ceilingBytes === null || isFar(ceilingBytes, trial)) return;
    await trial.ask({ bytes: Math.max(ceilingBytes, trial.options.largeBytes) * 2 });
    const state = await trial.still();
    const problem = `costs ${state.costBytes}, its ceiling is ${ceilingBytes}`;
    trial.expect(state.costBytes <= ceilingBytes, problem, COSTS);
    if (ceilingBytes === 0) return;
    trial.expect(state.why?.ceiling !== undefined, 'is at its ceiling, and why.ceiling is missing', REASON);
  },
  'takes its ceiling whole': async (trial) => {
    const { ceilingBytes } = await trial.still();
    if (!ceilingBytes || isFar(ceilingBytes, trial)) return;
    const state = await trial.to(ceilingBytes);
    const least = ceilingBytes - slackOf(state, ceilingBytes);
    const problem = `costs ${state.costBytes} with a budget of its ceiling, ${ceilingBytes}`;
    trial.expect(
      state.costBytes >= least || state.afterRestartBytes !== undefined,
      problem,
      'lower the ceiling',
    );
  },
};

/** One far above what its author tries is not gone to: it may be all of the machine. */
function isFar(ceilingBytes: number, { options }: Trial): boolean {
  return ceilingBytes > 4 * options.largeBytes;
}

/** What it throws when it is asked for less than its floor. */
async function refusalOf(trial: Trial, floorBytes: number): Promise<Refusal> {
  const thrown = await trial.thrown({ bytes: floorBytes - 1 });
  if (thrown instanceof Refusal) return thrown;
  const said = thrown === null ? 'takes it' : saidBy(thrown);
  const problem = `${said} when asked for less than its floor of ${floorBytes}`;
  throw trial.bad(problem, 'throw a Refusal', thrown ?? undefined);
}
