// Who remembers changes, and what is remembered of drivers. The agent's journal is its history on disk; a
// program that uses the library has one in memory, for as long as it runs.
import { type Remembered, standingOf } from '../core/drift.ts';
import type { Recorder } from '../core/record.ts';
import type { Surroundings } from '../core/survey.ts';
import type { BlocksRecord } from '../operations/memory-blocks.ts';

export interface Journal {
  /** Default: changes are numbered, and forgotten with this process. */
  readonly recorder?: Recorder;
  readonly standing: Surroundings['standing'];
  /** Which memory blocks a planned change took offline. Default: nobody needs to know. */
  readonly blocks?: BlocksRecord;
}

/**
 * Remembers in memory what was set. Nobody else sets the buffers of a process, so what differs is set again
 * unless the policy says `onDrift: report`.
 */
export function memoryJournal(): Required<Omit<Journal, 'blocks'>> {
  let changeId = 0;
  const remembered = new Map<string, Remembered>();
  return {
    recorder: {
      nextChangeId: () => ++changeId,
      intent: () => Promise.resolve(),
      outcome: async ({ answers }) => {
        for (const { driver, settingsAfter, instance } of answers) {
          if (settingsAfter === null) continue;
          remembered.set(driver, { lastSet: { settings: settingsAfter, instance }, interrupted: false });
        }
      },
    },
    standing: ({ name, policy, existing }, state, repair) =>
      standingOf(state, remembered.get(name) ?? null, {
        repair,
        existing,
        onDrift: policy.onDrift ?? 'reassert',
      }),
  };
}
