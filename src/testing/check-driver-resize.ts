// Does it go where it is asked to, exactly once, and back? Checks of a driver's moves.

import { middleOf } from './check-driver-state.ts';
import { type Checks, COSTS, heard, sizeOf, slackOf } from './check-driver-trial.ts';

const IDEMPOTENT = 'read first, and write only what differs';
const EXACTLY = 'set the values given, unrounded';

export const RESIZE_CHECKS: Checks = {
  grows: async (trial) => {
    const small = await trial.to(trial.options.smallBytes);
    const large = await trial.to(trial.options.largeBytes);
    const grown = sizeOf(large) > sizeOf(small) || large.ceilingBytes === 0;
    trial.expect(grown, `costs ${sizeOf(large)} after a growth from ${sizeOf(small)}`, COSTS);
  },
  shrinks: async (trial) => {
    await trial.to(trial.options.largeBytes);
    await trial.to(trial.options.smallBytes);
  },
  'grows, shrinks and grows again to where it was': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const first = await trial.to(largeBytes);
    await trial.to(smallBytes);
    const again = await trial.to(largeBytes);
    const problem = `costs ${sizeOf(again)} after going down and up again, ${sizeOf(first)} before`;
    const same = Math.abs(sizeOf(again) - sizeOf(first)) <= slackOf(again, largeBytes);
    trial.expect(same, problem, 'the size follows from the budget alone, not from the way there');
  },
  'never costs more than its budget, and uses it': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    for (const share of [0.1, 0.37, 0.5, 0.73, 0.99]) {
      const budget = Math.floor(smallBytes + (largeBytes - smallBytes) * share) + 1;
      const state = await trial.to(budget);
      const least = Math.min(budget, state.ceilingBytes ?? budget) - slackOf(state, budget);
      const problem = `uses ${sizeOf(state)} of a budget of ${budget}`;
      trial.expect(sizeOf(state) >= least, problem, 'round down by one step, not more');
    }
  },
  'follows a budget that moves by a few of its steps': async (trial) => {
    const { smallBytes } = trial.options;
    const first = await trial.to(smallBytes);
    if (first.ceilingBytes === 0) return;
    const more = Math.max(4 * first.stepBytes, Math.ceil(smallBytes * 0.05));
    const second = await trial.to(smallBytes + more);
    const problem = `costs ${sizeOf(second)} with ${more} more, ${sizeOf(first)} before`;
    const mend = `stepBytes of ${first.stepBytes} is the size that it really moves by: tell the true one`;
    trial.expect(sizeOf(second) > sizeOf(first), problem, mend);
  },
  'does nothing when it is asked for the same again': async (trial) => {
    const once = await trial.ask({ bytes: trial.options.largeBytes });
    const first = await trial.still();
    const again = await trial.ask({ bytes: trial.options.largeBytes });
    const second = await trial.still();
    trial.expectSettings(again, once, 'asks for something else the second time', IDEMPOTENT);
    trial.expectSettings(second.settings, first.settings, 'moves again for the same budget', IDEMPOTENT);
  },
  'stays where it is once nothing moves': async (trial) => {
    await trial.to(trial.options.largeBytes);
    await trial.to(trial.options.smallBytes);
    const problem = 'goes on moving when read() says that nothing moves';
    await trial.expectRest(trial.driver, problem, 'say it in moving until the last write is done');
  },
  'ends the moves that it begins': async (trial) => {
    for (const bytes of [trial.options.largeBytes, middleOf(trial), trial.options.smallBytes]) {
      await trial.ask({ bytes });
      const { moving } = await trial.read();
      const problem = `moves to ${moving?.toBytes} with a budget of ${bytes}`;
      trial.expect((moving?.toBytes ?? 0) <= bytes, problem, 'moving.toBytes is the budget it moves to');
      await trial.still();
    }
  },
  'goes back to the settings it had, exactly': async (trial) => {
    const before = await trial.to(trial.options.largeBytes - 1);
    await trial.to(trial.options.smallBytes);
    await trial.ask({ settings: before.settings });
    const after = await trial.still();
    trial.expectSettings(after.settings, before.settings, 'does not go back exactly', EXACTLY);
    const same = Math.abs(sizeOf(after) - sizeOf(before)) <= slackOf(before, sizeOf(before));
    const problem = `costs ${sizeOf(after)} with the settings handed back, ${sizeOf(before)} before`;
    trial.expect(same, problem, 'going back is a resize like any other: do what the settings say');
  },
  'goes back to settings that it has, and changes nothing': async (trial) => {
    const before = await trial.to(trial.options.smallBytes);
    for (let time = 0; time < 2; time += 1) {
      await trial.ask({ settings: before.settings });
      const { settings } = await trial.still();
      trial.expectSettings(settings, before.settings, 'moves when its own settings are handed back', EXACTLY);
    }
  },
  'goes back in the middle of a move': async (trial) => {
    const before = await trial.to(trial.options.largeBytes);
    await trial.ask({ bytes: trial.options.smallBytes });
    await trial.ask({ settings: before.settings });
    const after = await trial.still();
    const mend = 'end the move under way first: the newest call wins';
    trial.expectSettings(
      after.settings,
      before.settings,
      'a move goes on after settings are handed back',
      mend,
    );
  },
  'ends where the newest change wants it': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    const older = trial.ask({ bytes: largeBytes }).catch(() => []);
    const newer = heard(trial.ask({ bytes: smallBytes }));
    await Promise.all([older, newer]);
    const state = await trial.still();
    const mend = 'a newer resize() overtakes an older one';
    trial.expect(sizeOf(state) <= smallBytes, 'the older of two changes wins', mend);
  },
};
