// What stands between the production shell and the driver under test: it passes every call on, and knows what
// is under way, what was read last, and the moment to cut everything off.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { Refusal } from '../core/errors.ts';
import type { Activity } from './check-driver-clock.ts';
import type { DriverTally } from './check-driver-tally.ts';

/** So many reads without a fall, about a second of them: no more comes by waiting. */
const LAG_READS = 12;

export class Witness implements Driver, Activity {
  readonly name: string;
  readonly driver: Driver;
  /** As last read. */
  state: DriverState | null = null;
  /** Calls of resize, in order. */
  readonly asked: Target[] = [];
  readonly endings: { readonly changeId: number; readonly phase: 'complete' | 'failure' }[] = [];
  /** Called once, when the next resize has begun, or has returned. */
  onBegun: (() => void) | null = null;
  onReturned: (() => void) | null = null;
  readonly #tally: DriverTally;
  #inFlight = 0;
  /** Reads since what it holds fell last. */
  #unmovedReads = 0;
  #cut = false;
  #whenReturned: (() => void)[] = [];

  constructor(driver: Driver, tally: DriverTally) {
    this.name = driver.name;
    this.driver = driver;
    this.#tally = tally;
  }

  get quiet(): boolean {
    if (this.#inFlight > 0) return false;
    if (this.state === null) return true;
    const { moving, heldBytes, costBytes, why } = this.state;
    if (moving !== undefined) return false;
    // Memory that is on its way is waited for; memory that something holds is not: as the driver says, or
    // as it shows by not falling any more.
    const down = heldBytes === null || heldBytes <= costBytes;
    return down || why?.held !== undefined || this.#unmovedReads >= LAG_READS;
  }

  returned(): Promise<void> {
    if (this.#inFlight === 0) return new Promise(() => undefined);
    return new Promise((resolve) => {
      this.#whenReturned.push(resolve);
    });
  }

  /** From now on nothing reaches the driver, and nothing comes back: whoever called it is dead. */
  cut(): void {
    this.#cut = true;
  }

  async read(signal: AbortSignal): Promise<DriverState> {
    const before = this.state?.heldBytes ?? null;
    this.state = await this.#follow(() => this.driver.read(signal));
    const falls = before !== null && (this.state.heldBytes ?? 0) < before;
    this.#unmovedReads = falls ? 0 : this.#unmovedReads + 1;
    return this.state;
  }

  async resize(target: Target, context: ResizeContext): Promise<Setting[]> {
    this.asked.push(target);
    this.#unmovedReads = 0;
    try {
      const returned = this.#follow(() => this.driver.resize(target, context));
      once(this, 'onBegun');
      const settings = await returned;
      once(this, 'onReturned');
      if (this.#cut) await never();
      return settings;
    } catch (error) {
      if (error instanceof Refusal) this.#tally.refusals += 1;
      throw error;
    }
  }

  async ended(outcome: { changeId: number; phase: 'complete' | 'failure' }): Promise<void> {
    this.endings.push(outcome);
    await this.#follow(async () => this.driver.ended?.(outcome));
  }

  async #follow<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#cut) await never();
    this.#inFlight += 1;
    try {
      const result = await call();
      if (this.#cut) await never();
      return result;
    } finally {
      this.#inFlight -= 1;
      for (const resolve of this.#whenReturned.splice(0)) resolve();
    }
  }
}

function once(witness: Witness, name: 'onBegun' | 'onReturned'): void {
  const callback = witness[name];
  witness[name] = null;
  callback?.();
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
