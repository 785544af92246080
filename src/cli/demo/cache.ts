// A cache of the demo: software of a simulated partition that has registered in the author's form. What it
// holds is used memory of its partition; one of them holds real memory of this process too (slabs.ts).
import { buffers } from '../../buffers/buffers.ts';
import { formatBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Driver } from '../../core/driver.ts';
import { Refusal } from '../../core/errors.ts';
import type { ProcessSim } from '../../testing/software-sim.ts';
import { SLAB_BYTES, type Slabs } from './slabs.ts';

export interface CacheParts {
  readonly name: string;
  readonly process: ProcessSim;
  readonly clock: Clock;
  /** As large as it made itself at start. */
  readonly sizeBytes: number;
  /** Real memory that it holds too. */
  readonly slabs?: Slabs;
}

export class Cache {
  readonly name: string;
  readonly driver: Driver;
  /** How it takes the next request. `hangs`: it never returns. */
  temper: 'obeys' | 'refuses' | 'hangs' = 'obeys';
  /** How often it was asked to resize. */
  requests = 0;
  /** When it last came to hold more or less. */
  movedAtMs: number;
  readonly #parts: CacheParts;
  #release: (() => void) | null = null;

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.movedAtMs = parts.clock.monotonicMs();
    this.#hold(parts.sizeBytes);
    this.driver = buffers(parts.name, {
      size: () => this.heldBytes,
      resize: (bytes) => this.#resize(bytes),
      step: SLAB_BYTES,
    });
  }

  get heldBytes(): number {
    return this.#parts.process.usedBytes;
  }

  /** A call that hangs returns after all. */
  release(): void {
    this.#release?.();
  }

  async #resize(bytes: number): Promise<void> {
    this.requests += 1;
    if (this.temper === 'refuses')
      throw new Refusal(`a backup runs; floor ${formatBytes(this.heldBytes)}`, this.heldBytes);
    if (this.temper === 'hangs') {
      return new Promise((resolve) => {
        this.#release = resolve;
      });
    }
    this.#hold(bytes);
  }

  #hold(bytes: number): void {
    const whole = bytes - (bytes % SLAB_BYTES);
    this.#parts.slabs?.resize(whole);
    if (whole !== this.heldBytes) this.movedAtMs = this.#parts.clock.monotonicMs();
    this.#parts.process.use(whole);
  }
}
