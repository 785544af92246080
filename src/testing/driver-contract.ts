// Is it a driver? The checks behind src/core/driver.ts, for any implementation and any test runner:
//
//   for (const { title, run } of driverContract({ open, smallBytes, largeBytes })) test(title, run);
//
// Each check opens the driver anew over the same server and closes it; none depends on another. A failing
// check says what to mend. The list asks what can be asked from outside; real memory moving is the driver's
// own test.
import type { DriverState } from '../core/driver.ts';
import { messageOf, Refusal } from '../core/errors.ts';
import { COSTS, type DriverSubject, Trial } from './driver-trial.ts';

export type { DriverSubject } from './driver-trial.ts';

export interface ContractCheck {
  readonly title: string;
  run(): Promise<void>;
}

type Ask = (trial: Trial) => Promise<void>;

export function driverContract(subject: DriverSubject): ContractCheck[] {
  return Object.entries(CHECKS).map(([title, ask]) => ({
    title: `driver contract: ${title}`,
    run: async () => {
      const trial = new Trial(await subject.open(), subject);
      try {
        await ask(trial);
      } finally {
        await trial.driver.close?.();
      }
    },
  }));
}

const CHECKS: Record<string, Ask> = {
  'has a name that stays': async (trial) => {
    const { name } = trial.driver;
    trial.expect(
      typeof name === 'string' && name !== '',
      'has no name',
      'give it one: config and history use it',
    );
    await trial.to(trial.subject.smallBytes);
    trial.expect(
      trial.driver.name === name,
      'changes its name',
      'the name is the key of its history: keep it',
    );
  },
  'tells its state in plain values in range': async (trial) => {
    trial.checkState(await trial.read());
  },
  'reads without changing anything': async (trial) => {
    const first = await trial.still();
    const second = await trial.still();
    trial.expectSettings(
      second.settings,
      first.settings,
      'read() changed settings',
      'only resize() may change them',
    );
    trial.expect(first.instance === second.instance, 'has another instance at each read', START);
  },
  grows: async (trial) => {
    const { smallBytes, largeBytes } = trial.subject;
    const small = await trial.to(smallBytes);
    const large = await trial.to(largeBytes);
    const grown = large.costBytes > small.costBytes || large.ceilingBytes === 0;
    trial.expect(grown, `costs ${large.costBytes} after a growth from ${small.costBytes}`, COSTS);
  },
  shrinks: async (trial) => {
    await trial.to(trial.subject.largeBytes);
    await trial.to(trial.subject.smallBytes);
  },
  'never costs more than its budget, and uses it': async (trial) => {
    const { smallBytes, largeBytes } = trial.subject;
    for (const share of [0.1, 0.37, 0.5, 0.73, 0.99]) {
      const budget = Math.floor(smallBytes + (largeBytes - smallBytes) * share) + 1;
      const { costBytes, stepBytes, ceilingBytes } = await trial.to(budget);
      const least = Math.min(budget, ceilingBytes ?? budget) - 2 * Math.max(stepBytes, budget * 0.02);
      trial.expect(
        costBytes >= least,
        `uses ${costBytes} of a budget of ${budget}`,
        'round down by one step, not more',
      );
    }
  },
  'does nothing when it is asked for the same again': async (trial) => {
    const once = await trial.ask({ bytes: trial.subject.largeBytes });
    const first = await trial.still();
    const again = await trial.ask({ bytes: trial.subject.largeBytes });
    const second = await trial.still();
    trial.expectSettings(again, once, 'asks for something else the second time', IDEMPOTENT);
    trial.expectSettings(second.settings, first.settings, 'moves again for the same budget', IDEMPOTENT);
  },
  'goes back to the settings it had, exactly': async (trial) => {
    const before = await trial.to(trial.subject.largeBytes - 1);
    await trial.to(trial.subject.smallBytes);
    await trial.ask({ settings: before.settings });
    const after = await trial.still();
    trial.expectSettings(
      after.settings,
      before.settings,
      'does not go back exactly',
      'set the values given, unrounded',
    );
  },
  'refuses what is below its floor, and changes nothing': async (trial) => {
    const before = await trial.to(trial.subject.smallBytes);
    if (before.floorBytes < 1) return;
    const bytes = before.floorBytes - 1;
    const thrown = await trial.ask({ bytes }).then(
      () => null,
      (error: unknown) => error,
    );
    if (!(thrown instanceof Refusal)) {
      const said = thrown === null ? 'takes it' : `throws "${messageOf(thrown)}"`;
      throw trial.bad(
        `${said} when asked for less than its floor of ${before.floorBytes}`,
        'throw a Refusal',
      );
    }
    trial.expect(
      thrown.floorBytes > bytes,
      'refuses, and names a floor that is no higher',
      'name the least it takes',
    );
    const after = await trial.still();
    trial.expectSettings(
      after.settings,
      before.settings,
      'changed settings and then refused',
      'refuse before writing',
    );
  },
  'takes no more than its ceiling': async (trial) => {
    const { ceilingBytes } = await trial.still();
    if (ceilingBytes === null) return;
    await trial.ask({ bytes: Math.max(ceilingBytes, trial.subject.largeBytes) * 2 });
    const { costBytes } = await trial.still();
    trial.expect(costBytes <= ceilingBytes, `costs ${costBytes}, its ceiling is ${ceilingBytes}`, COSTS);
  },
  'answers reads while it resizes': async (trial) => {
    const reads: Promise<DriverState>[] = [];
    const asked = trial.ask({ bytes: trial.subject.smallBytes });
    for (let count = 0; count < 5; count += 1) reads.push(trial.read());
    for (const state of await Promise.all(reads)) trial.checkState(state);
    await asked;
    await trial.still();
  },
  'lets go when it is aborted, and works afterwards': async (trial) => {
    const signal = AbortSignal.abort(new Error('aborted by the contract'));
    const ended = trial.ask({ bytes: trial.subject.largeBytes }, signal).catch(() => []);
    const read = trial.driver.read(signal).catch(() => null);
    const waited = trial.wait(Promise.all([ended, read]));
    trial.expect(await waited, 'holds on to a call that is aborted', 'stop waiting when the signal aborts');
    await trial.to(trial.subject.smallBytes);
  },
  'ends where the newest change wants it': async (trial) => {
    const { smallBytes, largeBytes } = trial.subject;
    const older = trial.ask({ bytes: largeBytes }).catch(() => []);
    const newer = trial.ask({ bytes: smallBytes });
    await Promise.all([older, newer]);
    const { costBytes } = await trial.still();
    trial.expect(
      costBytes <= smallBytes,
      'the older of two changes wins',
      'a newer resize() overtakes an older one',
    );
  },
  'hears how a change ended': async (trial) => {
    await trial.driver.ended?.({ changeId: 1, phase: 'complete' });
    await trial.driver.ended?.({ changeId: 2, phase: 'failure' });
  },
  'can be closed twice': async (trial) => {
    await trial.still();
    await trial.driver.close?.();
  },
};

const START = 'instance stays until the server restarts: use its run id or start time';
const IDEMPOTENT = 'read first, and write only what differs';
