// Bugs on purpose, one for each invariant: a run that does not catch them proves nothing. Each puts a wrong
// method in the place of a right one of the production code, for as long as the run lasts.
import { LineFile } from '../../src/agent/history-file.ts';
import { Notifier } from '../../src/core/notifier.ts';
import type { Answer } from '../../src/core/outcome.ts';
import { runPlanned } from '../../src/core/planned.ts';
import { Shell } from '../../src/core/shell.ts';
import { HostMemory } from '../../src/sense/host-memory.ts';

export interface Canary {
  /** Of the invariant that must catch it. */
  readonly invariant: string;
  readonly bug: string;
  /** Puts the bug in place. @returns what takes it out again. */
  plant(): () => void;
}

export const CANARIES: readonly Canary[] = [
  {
    invariant: 'ending',
    bug: 'drivers are not told of failures',
    plant: () =>
      replace(
        Shell.prototype,
        'end',
        (end) =>
          async function (this: Shell, outcome) {
            return outcome.phase === 'failure' ? null : end.call(this, outcome);
          },
      ),
  },
  {
    invariant: 'room',
    bug: 'growth does not wait for the room that shrinks give',
    plant: () =>
      replace(
        Notifier.prototype,
        'pass',
        (pass) =>
          function (this: Notifier, look, round, shrinksOnly) {
            const plan = { ...look.plan, growthRoomBytes: Number.MAX_SAFE_INTEGER };
            return pass.call(this, { ...look, plan }, round, shrinksOnly);
          },
      ),
  },
  {
    invariant: 'unregistered',
    bug: 'unregistering does not keep calls away',
    plant: () => replace(Shell.prototype, 'retire', () => () => Promise.resolve()),
  },
  {
    invariant: 'rest',
    bug: 'drivers that differ from the plan are left as they are',
    plant: () => replace(Notifier.prototype, 'repair', () => () => Promise.resolve(null)),
  },
  {
    invariant: 'kill',
    bug: 'used memory reads as half of what it is',
    plant: () => {
      const level = replace(
        HostMemory.prototype,
        'readLevel',
        (read) =>
          function (this: HostMemory, meminfo) {
            const found = read.call(this, meminfo);
            return { ...found, usedBytes: found.usedBytes === null ? null : found.usedBytes / 2 };
          },
      );
      const used = replace(
        HostMemory.prototype,
        'readUsed',
        (read) =>
          function (this: HostMemory) {
            return (read.call(this) ?? 0) / 2;
          },
      );
      return () => {
        level();
        used();
      };
    },
  },
  {
    invariant: 'history',
    bug: 'lines are acknowledged and never written',
    plant: () => replace(LineFile.prototype, 'append', () => () => Promise.resolve()),
  },
  {
    invariant: 'ids',
    bug: 'the history is read as if it were empty',
    plant: () =>
      replace(LineFile.prototype, 'readLines', () => () => Promise.resolve({ torn: new Uint8Array(0) })),
  },
  {
    invariant: 'proof',
    bug: 'what reads back as asked is called proven, whatever is held',
    plant: () =>
      replace(
        Shell.prototype,
        'resize',
        (resize) =>
          async function (this: Shell, target, before, round) {
            const answer: Answer = await resize.call(this, target, before, round);
            return answer.verdict === 'resized' ? { ...answer, proven: true } : answer;
          },
      ),
  },
  {
    invariant: 'one at a time',
    bug: 'a planned change does not wait for its turn',
    plant: () =>
      replace(
        Notifier.prototype,
        'carryOut',
        () =>
          function (this: Notifier, request) {
            return runPlanned(this, request);
          },
      ),
  },
];

type Methods<Owner> = {
  [Name in keyof Owner as Owner[Name] extends (...given: never[]) => unknown ? Name : never]: Owner[Name];
};

function replace<Owner extends object, Name extends keyof Methods<Owner> & keyof Owner>(
  owner: Owner,
  name: Name,
  make: (before: Owner[Name]) => Owner[Name],
): () => void {
  const before = owner[name];
  owner[name] = make(before);
  return () => {
    owner[name] = before;
  };
}
