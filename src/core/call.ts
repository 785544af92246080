// One call of a driver's resize, as the shell keeps it.
import type { Phase } from './change.ts';
import type { ResizeContext } from './driver.ts';
import type { Round } from './round.ts';

/** The context given to a driver. Its signal is made only if the driver looks at it: most do not. */
export class CallContext implements ResizeContext {
  readonly changeId: number;
  readonly phase: Phase;
  readonly deadlineMs: number;
  #controller: AbortController | null = null;
  #reason: string | null = null;

  constructor(round: Round, deadlineMs: number) {
    this.changeId = round.changeId;
    this.phase = round.phase;
    this.deadlineMs = deadlineMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(new Error(this.#reason));
    }
    return this.#controller.signal;
  }

  abort(reason: string): void {
    this.#reason ??= reason;
    this.#controller?.abort(new Error(reason));
  }
}

/** When a call has ended, however it ended. */
export function settled(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    () => null,
  );
}
