// Low and high memory: states that hold while little or much memory is free, with a band between them where
// neither does (N21). They come from free memory, whatever moved it; a module that is added may set none, and
// one may be set without a module. Source: "Standard Event Objects" (Windows drivers).

/** Little memory is free, or much. */
export type ConditionName = 'low' | 'high';

/** The pages publish no thresholds: these shares of online memory are the simulation's own. */
const LOW_SHARE = 1 / 32;
const HIGH_SHARE = 3 / 32;

/** States of free memory; between them neither holds (N21). */
export class ConditionsSim {
  readonly #freeBytes: () => number;
  readonly #onlineBytes: () => number;
  readonly #waiting: { readonly name: ConditionName; readonly resolve: () => void }[] = [];

  /** @internal Of the server, or of production code. */
  constructor(seams: { freeBytes(): number; onlineBytes(): number }) {
    this.#freeBytes = seams.freeBytes;
    this.#onlineBytes = seams.onlineBytes;
  }

  /** Whether less than 1/32 of memory is free. */
  get low(): boolean {
    return this.#freeBytes() < this.#onlineBytes() * LOW_SHARE;
  }

  /** Whether more than 3/32 of memory is free. */
  get high(): boolean {
    return this.#freeBytes() > this.#onlineBytes() * HIGH_SHARE;
  }

  /** Resolves while the condition holds: at once when it does already. */
  when(name: ConditionName): Promise<void> {
    if (this[name]) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ name, resolve });
    });
  }

  /** @internal Of the server, or of production code. */
  moved(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (this[waiting.name]) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }
}
