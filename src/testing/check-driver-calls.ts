// Is it safe to call? Checks of calls that overlap, are aborted, come in use, or come at the end.
import type { DriverState } from '../core/driver.ts';
import { messageOf } from '../core/errors.ts';
import { LATE } from './check-driver-clock.ts';
import { type Checks, heard, LETS_GO_MS, type Trial } from './check-driver-trial.ts';

const USE_FILLS_MS = 3_000;
const STOP = 'stop waiting when the signal aborts';

export const CALL_CHECKS: Checks = {
  'answers reads while it resizes': async (trial) => {
    const reads: Promise<DriverState>[] = [];
    const asked = heard(trial.ask({ bytes: trial.options.smallBytes }));
    for (let count = 0; count < 5; count += 1) reads.push(trial.read());
    for (const state of await Promise.all(reads)) trial.checkState(state);
    await asked;
    await trial.still();
  },
  'resizes while it is in use': async (trial) => {
    const use = new Use(trial);
    const { largeBytes, smallBytes } = trial.options;
    for (const bytes of [largeBytes, smallBytes, largeBytes, smallBytes]) {
      await trial.to(bytes);
      use.check();
    }
    if (trial.options.use !== undefined) await untilHeld(trial);
    await use.end();
  },
  'lets go when it is aborted, and works afterwards': async (trial) => {
    const signal = AbortSignal.abort(new Error('aborted by the check'));
    const asked = heard(trial.start({ bytes: trial.options.largeBytes }, signal));
    await letsGo(trial, asked);
    await trial.to(trial.options.smallBytes);
  },
  'lets go when it is aborted on its way, and works afterwards': async (trial) => {
    const { smallBytes, largeBytes } = trial.options;
    await trial.to(largeBytes);
    const controller = new AbortController();
    const asked = heard(trial.start({ bytes: smallBytes }, controller.signal));
    controller.abort(new Error('aborted by the check'));
    await letsGo(trial, asked);
    await trial.still();
    await trial.to(largeBytes);
  },
  'lets go of a read that is aborted, and reads again': async (trial) => {
    const read = trial.driver.read(AbortSignal.abort(new Error('aborted by the check')));
    await letsGo(trial, read);
    trial.checkState(await trial.read());
  },
  'hears how a change ended, twice and of one it does not know': async (trial) => {
    for (const phase of ['complete', 'failure', 'failure'] as const) {
      for (const changeId of [1, 1, 99_999]) {
        const ended = Promise.resolve(trial.driver.ended?.({ changeId, phase }));
        const mend = 'do what is to be done once by changeId, and nothing for others';
        const settled = ended.catch((error: unknown) => {
          throw trial.bad(`ended() throws "${messageOf(error)}"`, mend, error);
        });
        trial.expect(await trial.settles(ended), 'ended() does not return', 'return soon');
        await settled;
      }
    }
    trial.checkState(await trial.read());
  },
  'keeps what is set when it makes it outlast a restart': async (trial) => {
    if (trial.driver.persist === undefined) return;
    const before = await trial.to(trial.options.smallBytes);
    for (let time = 0; time < 2; time += 1) {
      const persisted = trial.driver.persist().then(() => 'done', messageOf);
      const said = await trial.clock.within(persisted, trial.waitMs);
      if (said === LATE) throw trial.bad(`persist() has not returned within ${trial.waitMs} ms`, 'return');
      trial.expect(said.trim() !== '', 'persist() fails without a word', 'say what keeps it from doing so');
    }
    const after = await trial.still();
    const mend = 'persist() writes down what is set NOW, and sets nothing';
    trial.expectSettings(after.settings, before.settings, 'persist() changed settings', mend);
  },
  'can be closed twice': async (trial) => {
    await trial.still();
    await trial.shut(trial.driver);
  },
  'can be closed in the middle of a move': async (trial) => {
    await trial.to(trial.options.largeBytes);
    const asked = trial.start({ bytes: trial.options.smallBytes }).catch(() => []);
    const closed = Promise.resolve(trial.driver.close?.());
    const settled = await trial.settles(Promise.all([asked, closed]), 2 * LETS_GO_MS);
    trial.expect(settled, 'close() or the move does not end', 'end what is under way, then return');
  },
  'can be closed before its first call': async (trial) => {
    const other = await trial.another();
    await trial.shut(other);
    await trial.to(trial.options.smallBytes);
  },
};

/** Use takes a moment to fill it. Whether anything was held in all of the run is asked at its end. */
async function untilHeld(trial: Trial): Promise<void> {
  for (let waitedMs = 0; trial.tally.holds === 0 && waitedMs < USE_FILLS_MS; waitedMs += 50) {
    await trial.clock.pause(50);
    await trial.still();
  }
}

async function letsGo(trial: Trial, call: Promise<unknown>): Promise<void> {
  call.catch(() => undefined);
  trial.expect(await trial.settles(call), 'holds on to a call that is aborted', STOP);
}

/** The software in use: by its author's `use`, or else by reads that never stop. */
class Use {
  readonly #trial: Trial;
  readonly #ending = new AbortController();
  readonly #used: Promise<void>;
  #failure: unknown = null;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#used = this.#run().catch((error: unknown) => {
      if (!this.#isEnding(error)) this.#failure ??= error ?? 'nothing';
    });
  }

  check(): void {
    if (this.#failure === null) return;
    const problem = `its software fails those who use it: ${messageOf(this.#failure)}`;
    const mend = 'what is in use while sizes change stays whole: resize in an order that keeps it so';
    throw this.#trial.bad(problem, mend, this.#failure);
  }

  async end(): Promise<void> {
    this.#ending.abort();
    const ended = await this.#trial.settles(this.#used, 2 * LETS_GO_MS);
    this.#trial.expect(ended, 'its use does not end', 'use() ends when its signal aborts');
    this.check();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { use } = this.#trial.options;
    if (use !== undefined) return use(signal);
    while (!signal.aborted) {
      this.#trial.checkState(await this.#trial.read());
      await this.#trial.clock.pause(1);
    }
  }

  #isEnding(error: unknown): boolean {
    const { aborted, reason } = this.#ending.signal;
    return aborted && (error === reason || (error instanceof Error && error.name === 'AbortError'));
  }
}
