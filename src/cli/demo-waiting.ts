// What the story of the demo waits for: the outcome of a change, a state of memory, and that the plan of a
// change has been shown before it is carried out. It waits for the thing itself, and says what did not come.
import { HotaddError } from '../core/errors.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Outcome } from '../core/outcome.ts';

const DEADLINE_MS = 10_000;

type Wanted = (memory: PhysicalMemory) => boolean;

export class Waiting {
  readonly #outcomes: Outcome[] = [];
  #takeOutcome: (() => void) | null = null;
  #wanted: { readonly wanted: Wanted; readonly resolve: () => void } | null = null;
  #shown = Promise.withResolvers<void>();

  sawOutcome(outcome: Outcome): void {
    this.#outcomes.push(outcome);
    this.#shown = Promise.withResolvers<void>();
    this.#takeOutcome?.();
  }

  sawMemory(memory: PhysicalMemory): void {
    if (this.#wanted?.wanted(memory)) this.#wanted.resolve();
  }

  sawPlan(): void {
    this.#shown.resolve();
  }

  planShown(): Promise<void> {
    return this.#shown.promise;
  }

  async outcome(): Promise<Outcome> {
    const came = new Promise<void>((resolve) => {
      this.#takeOutcome = resolve;
    });
    if (this.#outcomes.length === 0) await within(came, 'the outcome of a change');
    this.#takeOutcome = null;
    const outcome = this.#outcomes.shift();
    if (outcome === undefined) throw late('the outcome of a change');
    return outcome;
  }

  memory(wanted: Wanted): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#wanted = { wanted, resolve };
    });
    return within(came, 'memory that was added');
  }
}

async function within(came: Promise<void>, what: string): Promise<void> {
  const { promise: deadline, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(late(what)), DEADLINE_MS);
  try {
    await Promise.race([came, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function late(what: string): HotaddError {
  return new HotaddError('HOTADD_UNREADABLE', `${what} has not been seen within ${DEADLINE_MS / 1000} s`);
}
