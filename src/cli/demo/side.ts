// One partition of the demo from both sides: the simulated hardware partition, and the production partition
// that runs in it, with everything that anybody in it has heard.
import type { News } from '../../core/change.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Policy } from '../../core/registry.ts';
import { openPartition } from '../../partition/open.ts';
import type { Partition } from '../../partition/partition.ts';
import type { ClockSim } from '../../testing/clock-sim.ts';
import type { PartitionSim } from '../../testing/partition-sim.ts';
import type { Cache } from './cache.ts';

/** How much had been heard at one moment. */
export interface Heard {
  readonly news: number;
  readonly outcomes: number;
  readonly requests: number;
}

export class Side {
  readonly sim: PartitionSim;
  readonly partition: Partition;
  readonly caches: Cache[] = [];
  readonly #news: News[];
  readonly #outcomes: Outcome[];
  readonly #onOutcome: Set<(outcome: Outcome) => void>;

  private constructor(parts: {
    sim: PartitionSim;
    partition: Partition;
    news: News[];
    outcomes: Outcome[];
    onOutcome: Set<(outcome: Outcome) => void>;
  }) {
    this.sim = parts.sim;
    this.partition = parts.partition;
    this.#news = parts.news;
    this.#outcomes = parts.outcomes;
    this.#onOutcome = parts.onOutcome;
  }

  /** Opens the production partition in it, with a listener that takes part in nothing. */
  static async open(sim: PartitionSim, clock: ClockSim): Promise<Side> {
    const news: News[] = [];
    const outcomes: Outcome[] = [];
    const onOutcome = new Set<(outcome: Outcome) => void>();
    const opening = openPartition({
      machine: sim.machine,
      clock,
      partition: 'machine',
      apply: true,
      program: 'hotadd demo',
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        for (const each of [...onOutcome]) each(outcome);
      },
    });
    const partition = await clock.until(opening);
    partition.onChange((one) => {
      news.push(one);
    });
    return new Side({ sim, partition, news, outcomes, onOutcome });
  }

  get name(): string {
    return this.sim.name;
  }

  get usableBytes(): number {
    return this.partition.memory.usableBytes ?? 0;
  }

  /** From the next change on it is told (N11). */
  register(cache: Cache, policy: Policy): void {
    this.caches.push(cache);
    this.partition.register(cache.driver, policy);
  }

  /** Its listener, its drivers and its record, counted. */
  heard(): Heard {
    const requests = this.caches.reduce((total, cache) => total + cache.requests, 0);
    return { news: this.#news.length, outcomes: this.#outcomes.length, requests };
  }

  /** True when nobody in it has heard anything since. */
  heardNothingSince({ news, outcomes, requests }: Heard): boolean {
    const now = this.heard();
    return now.news === news && now.outcomes === outcomes && now.requests === requests;
  }

  /** The next outcome: of a change, or of a pass that mends what differs from the plan. */
  next(what: 'change' | 'repair'): Promise<Outcome> {
    return new Promise((resolve) => {
      const look = (outcome: Outcome) => {
        if ((outcome.change.kind === 'repair') !== (what === 'repair')) return;
        this.#onOutcome.delete(look);
        resolve(outcome);
      };
      this.#onOutcome.add(look);
    });
  }
}
