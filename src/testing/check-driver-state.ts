// Does it tell what is true? Checks of a driver's reads.
import { type Checks, sizeOf, slackOf, type Trial } from './check-driver-trial.ts';

const START = 'instance stays until the server restarts: use its run id or start time';
const READS_AT_ONCE = 40;

export const STATE_CHECKS: Checks = {
  'has a name that stays': async (trial) => {
    const { name } = trial.driver;
    const isName = typeof name === 'string' && name !== '';
    trial.expect(isName, 'has no name', 'give it one: config and history use it');
    await trial.to(trial.options.smallBytes);
    trial.expect(
      trial.driver.name === name,
      'changes its name',
      'the name is the key of its history: keep it',
    );
  },
  'tells its state in plain values in range': async (trial) => {
    trial.checkState(await trial.read());
    trial.checkState(await trial.to(trial.options.smallBytes));
    trial.checkState(await trial.to(trial.options.largeBytes));
  },
  'fits the budgets that it is tried with': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const { floorBytes, ceilingBytes, stepBytes, why } = await trial.still();
    const floor = `its floor is ${floorBytes}${why?.floor ? ` (${why.floor})` : ''}`;
    trial.expect(floorBytes <= smallBytes, `${floor}, smallBytes is ${smallBytes}`, 'give a larger one');
    const fits = ceilingBytes === null || ceilingBytes === 0 || ceilingBytes >= largeBytes;
    trial.expect(fits, `its ceiling is ${ceilingBytes}, largeBytes is ${largeBytes}`, 'give a smaller one');
    const apart = largeBytes - smallBytes >= 8 * stepBytes;
    const steps = `smallBytes and largeBytes are less than eight steps of ${stepBytes} apart`;
    trial.expect(apart, steps, 'move them apart, or tell the step that it really takes');
  },
  'reads without changing anything': async (trial) => {
    const first = await trial.still();
    const second = await trial.still();
    const mend = 'only resize() may change them';
    trial.expectSettings(second.settings, first.settings, 'read() changed settings', mend);
    trial.expect(first.instance === second.instance, 'has another instance at each read', START);
  },
  'tells the same settings in the same order at each read': async (trial) => {
    const names = async (bytes: number) => (await trial.to(bytes)).settings.map(({ name }) => name).join(' ');
    const small = await names(trial.options.smallBytes);
    const large = await names(trial.options.largeBytes);
    const mend = 'list all its knobs, always: what is not listed cannot be handed back';
    trial.expect(small === large, `lists ${small || 'nothing'}, and then ${large || 'nothing'}`, mend);
  },
  'keeps its instance while it is resized': async (trial) => {
    const { instance } = await trial.to(trial.options.smallBytes);
    const after = await trial.to(trial.options.largeBytes);
    const problem = `has another instance after a resize: ${after.instance}, not ${instance}`;
    trial.expect(after.instance === instance, problem, START);
  },
  'answers many reads at once, and all alike': async (trial) => {
    const { settings } = await trial.to(trial.options.smallBytes);
    const reads = Array.from({ length: READS_AT_ONCE }, () => trial.read());
    for (const state of await Promise.all(reads)) {
      trial.checkState(state);
      const mend = 'share no half-read state between reads';
      trial.expectSettings(state.settings, settings, 'reads at the same time differ', mend);
    }
  },
  'reads its software, and not its own memory': async (trial) => {
    const state = await trial.to(middleOf(trial));
    const other = await trial.still(await trial.another());
    // Software that is made anew with each driver has another instance, and nothing in common.
    if (other.instance !== state.instance) return;
    const problem = 'tells other settings than a second driver over the same instance';
    const mend =
      'read them from the software at each call; where makeDriver makes other software, so is instance';
    trial.expectSettings(state.settings, other.settings, problem, mend);
    const same = Math.abs(sizeOf(state) - sizeOf(other)) <= slackOf(state, sizeOf(state));
    const costs = `costs ${sizeOf(state)}, and ${sizeOf(other)} to a second driver over the same instance`;
    trial.expect(same, costs, 'reckon the cost from what is read, not from what was asked');
  },
  'moves by its settings, so that it can go back': async (trial) => {
    const small = await trial.to(trial.options.smallBytes);
    const large = await trial.to(trial.options.largeBytes);
    if (sizeOf(large) - sizeOf(small) <= slackOf(large, sizeOf(large))) return;
    const text = (settings: typeof small.settings) => JSON.stringify(settings);
    const problem = `costs ${sizeOf(small)}, then ${sizeOf(large)}, with the same settings`;
    const mend = 'list the knob that makes the difference: going back hands settings back, and nothing else';
    trial.expect(text(small.settings) !== text(large.settings), problem, mend);
  },
  'comes down to what it may cost, or says what holds it': async (trial) => {
    await trial.to(trial.options.largeBytes);
    await trial.to(trial.options.smallBytes);
    let state = await trial.still();
    for (let waitedMs = 0; waitedMs < Math.min(trial.waitMs, 3_000); waitedMs += 50) {
      if (state.heldBytes === null || state.heldBytes <= state.costBytes) return;
      await trial.clock.pause(50);
      state = await trial.still();
    }
    const problem = `holds ${state.heldBytes} where it may come to take ${state.costBytes}`;
    const mend = 'give the memory back, count it in costBytes, or say in why.held what holds it';
    trial.expect(state.why?.held !== undefined, problem, mend);
  },
};

export function middleOf({ options: { smallBytes, largeBytes } }: Trial): number {
  return Math.floor((smallBytes + largeBytes) / 2);
}
