// The world of the notifier's tests: a cgroup of so many MiB whose use is what its drivers and others hold.

import { MiB } from '../src/core/bytes.ts';
import type { News } from '../src/core/change.ts';
import type { Limit, PhysicalMemory, StaleReading } from '../src/core/memory.ts';
import { Notifier, type NotifierSeams } from '../src/core/notifier.ts';
import type { Operation } from '../src/core/operation.ts';
import type { Outcome } from '../src/core/outcome.ts';
import type { Intent } from '../src/core/record.ts';
import { Registry } from '../src/core/registry.ts';
import { Unmanaged } from '../src/core/room.ts';
import { ClockSim } from '../src/testing/clock-sim.ts';
import { DriverSim, type DriverSimOptions } from '../src/testing/driver-sim.ts';

/** A cgroup of so many MiB whose use is what its drivers hold and what others hold. */
export class World {
  readonly clock = new ClockSim();
  readonly registry = new Registry(this.clock);
  readonly intents: Intent[] = [];
  readonly outcomes: Outcome[] = [];
  readonly news: News[] = [];
  readonly journal: string[] = [];
  readonly drivers: DriverSim[] = [];
  limit: Limit;
  othersBytes = 0;
  stale: StaleReading[] = [];
  gone = false;
  historyError: Error | null = null;
  operationError: Error | null = null;
  readonly notifier: Notifier;
  #changeId = 0;

  constructor(limitMiB: number, over: Partial<NotifierSeams> = {}) {
    this.limit = limitMiB * MiB;
    this.notifier = new Notifier({
      clock: this.clock,
      registry: this.registry,
      unmanaged: new Unmanaged(),
      cpus: 1,
      reserve: 0,
      apply: true,
      sense: () => this.sense(),
      selfHeldBytes: () => null,
      standing: () => null,
      recorder: {
        nextChangeId: () => ++this.#changeId,
        intent: async (intent) => {
          if (this.historyError) throw this.historyError;
          this.intents.push(intent);
        },
        outcome: async (outcome) => {
          this.outcomes.push(outcome);
        },
      },
      ...over,
    });
    this.registry.listen((news) => {
      this.news.push(news);
    });
  }

  sense(): PhysicalMemory {
    const held = this.drivers.reduce((sum, { heldBytes }) => sum + (heldBytes ?? 0), 0);
    const usableBytes = this.limit === 'max' ? 4096 * MiB : this.limit;
    return {
      partition: 'cgroup:/app@1',
      presentBytes: null,
      onlineBytes: 4096 * MiB,
      usableBytes,
      boundBy: { level: '/app', file: 'memory.max' },
      levels: [
        { name: '/app', file: 'memory.max', limitBytes: this.limit, usedBytes: held + this.othersBytes },
        { name: 'machine', file: 'MemTotal', limitBytes: 4096 * MiB, usedBytes: held + this.othersBytes },
      ],
      hiddenAncestors: false,
      blocks: null,
      nodes: null,
      pressure: null,
      stale: this.stale,
      gone: this.gone,
    };
  }

  add(name: string, sizeMiB: number, options: Omit<DriverSimOptions, 'sizeBytes'> = {}): DriverSim {
    const driver = new DriverSim(name, { ...options, sizeBytes: sizeMiB * MiB });
    this.drivers.push(driver);
    this.registry.register(driver);
    return driver;
  }

  readonly operation: Operation = {
    name: 'memory.max of /app',
    read: () => this.limit,
    operate: async (toBytes) => {
      if (this.operationError) throw this.operationError;
      this.journal.push(
        `limit ${toBytes / MiB} with ${this.drivers.map(({ sizeBytes }) => sizeBytes / MiB).join('+')}`,
      );
      this.limit = toBytes;
      return {};
    },
  };

  async settled(): Promise<void> {
    await this.clock.until(this.notifier.arrive('begin'));
  }

  arriveAt(limitMiB: number): Promise<Outcome | null> {
    this.limit = limitMiB * MiB;
    return this.notifier.arrive('memory.max of /app');
  }

  plan(toMiB: number): Promise<Outcome> {
    return this.notifier.carryOut({
      toBytes: toMiB * MiB,
      operation: this.operation,
      cause: 'memory.max of /app',
    });
  }
}

export const sizes = (world: World) => world.drivers.map(({ sizeBytes }) => Math.round(sizeBytes / MiB));
export const verdicts = (outcome: Outcome | null) =>
  Object.fromEntries((outcome?.answers ?? []).map((answer) => [answer.driver, answer.verdict]));

export async function twoDrivers(limitMiB = 1016) {
  const world = new World(limitMiB);
  const first = world.add('first', 100);
  const second = world.add('second', 100);
  await world.settled();
  return { world, first, second };
}
