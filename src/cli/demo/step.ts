// What the demo tells: one step after the other, the same for people (step-text.ts) and for programs
// (`--json`). Its claims belong to the statements of "Changes to the Amount of Physical Memory" (Windows
// drivers), which the story walks through.

/** The statements of the page, in its order, in our own words. */
export const STATEMENTS = {
  1: 'Memory modules can be added to a hardware partition at any time.',
  2: 'Make no assumption about how much memory there is.',
  3: 'A driver that sizes its buffers from it goes on working.',
  4: 'An affected driver registers to be notified.',
  5: 'Notified, it responds so that operation is safe and optimal.',
  6: 'The system pools stay as they were at start.',
} as const;

export type Statement = keyof typeof STATEMENTS;

/**
 * - `scene`: what is looked at next.
 * - `event`: something that was done, or that happened.
 * - `answer`: how a driver answered a change.
 * - `witness`: the memory of this process, as its real operating system counts it.
 * - `claim`: what the story says is true, looked up in this run.
 * - `stayed`: what stayed as it was, at the end, and what would mend it.
 * - `statement`: how many claims belong to a statement of the page, and how many are true.
 * - `end`: the sum.
 */
export type StepName = 'scene' | 'event' | 'answer' | 'witness' | 'claim' | 'stayed' | 'statement' | 'end';

export interface Step {
  /** Simulated time since the server was switched on. */
  readonly atMs: number;
  /** The scene it belongs to. */
  readonly scene: string;
  readonly step: StepName;
  /** The server, a partition, a driver, or what is spoken of; `null`: nobody in particular. */
  readonly who: string | null;
  readonly text: string;
  /** The same for programs; `null`: the text says it all. */
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** The process's own memory beside what its cache says. */
export interface Witness {
  readonly rssBeforeBytes: number;
  readonly rssAfterBytes: number;
  readonly heldBeforeBytes: number;
  readonly heldAfterBytes: number;
  readonly follows: boolean;
}
