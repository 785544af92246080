// The world of a driver check: a cgroup with a limit, the driver under test and on request a neighbour, run
// by the production shell, registry and notifier. One world is one life of the planner; what it wrote down
// outlasts it (Records).

import { type Remembered, standingOf } from '../core/drift.ts';
import type { Driver } from '../core/driver.ts';
import { headroomBytes, type Limit, type PhysicalMemory } from '../core/memory.ts';
import { Notifier } from '../core/notifier.ts';
import type { PlannedRequest } from '../core/operation.ts';
import type { Answer, Outcome } from '../core/outcome.ts';
import type { Budget } from '../core/plan.ts';
import type { Intent } from '../core/record.ts';
import { type Policy, type Registration, Registry } from '../core/registry.ts';
import { Unmanaged } from '../core/room.ts';
import { CheckClock, type Pause } from './check-driver-clock.ts';
import { memoryOf } from './check-driver-memory.ts';
import type { DriverTally } from './check-driver-tally.ts';
import { Witness } from './check-driver-witness.ts';
import type { DriverSim } from './driver-sim.ts';

const CPUS = 1;
const OWN = 'memory.max of the check';
/** Passes that a driver may need until nothing is left to do: the next pass is the retry (E10). */
const PASSES_MOST = 4;

/** What outlasts a life: intents before, outcomes after (E2). */
export class Records {
  changeId = 0;
  readonly intents: Intent[] = [];
  readonly outcomes: Outcome[] = [];
  readonly #lastSet = new Map<string, NonNullable<Remembered['lastSet']>>();

  /** Begun, and no end is written down. */
  get interrupted(): readonly Intent[] {
    return this.intents.filter(
      ({ change }) => !this.outcomes.some((outcome) => outcome.change.changeId === change.changeId),
    );
  }

  write(outcome: Outcome): void {
    this.outcomes.push(outcome);
    const back = new Set(outcome.handedBack.flatMap(({ driver, asBefore }) => (asBefore ? [driver] : [])));
    for (const { driver, settingsBefore, settingsAfter, instance } of outcome.answers) {
      const settings = back.has(driver) ? settingsBefore : settingsAfter;
      if (settings !== null) this.#lastSet.set(driver, { settings, instance });
    }
  }

  remembered(name: string): Remembered {
    const interrupted = this.interrupted.some(({ drivers }) => drivers.some(({ driver }) => driver === name));
    return { lastSet: this.#lastSet.get(name) ?? null, interrupted };
  }
}

export interface WorldParts {
  readonly driver: Driver;
  readonly neighbour: DriverSim | null;
  readonly records: Records;
  readonly roomBytes: number;
  readonly pause: Pause | null;
  readonly tally: DriverTally;
}

export class CheckWorld {
  readonly clock: CheckClock;
  readonly registry: Registry;
  readonly notifier: Notifier;
  readonly witness: Witness;
  readonly records: Records;
  readonly #neighbour: DriverSim | null;
  readonly #tally: DriverTally;
  #dead = false;
  limitBytes: number;
  /** What the operation reaches of what it is asked; it may throw. */
  reaches = (toBytes: number) => toBytes;
  /** Called before the operation takes or gives memory. */
  onOperate: (() => void) | null = null;

  constructor({ driver, neighbour, records, roomBytes, pause, tally }: WorldParts) {
    this.clock = new CheckClock(pause);
    this.registry = new Registry(this.clock);
    this.witness = new Witness(driver, tally);
    this.clock.activity = this.witness;
    this.records = records;
    this.#neighbour = neighbour;
    this.#tally = tally;
    this.limitBytes = limitFor(roomBytes);
    if (neighbour !== null) this.registry.register(neighbour, {}, true);
    this.notifier = new Notifier({
      clock: this.clock,
      registry: this.registry,
      unmanaged: new Unmanaged(),
      cpus: CPUS,
      reserve: 0,
      apply: true,
      sense: () => this.#sense(),
      selfHeldBytes: () => null,
      standing: ({ name, existing }, state, repair) =>
        standingOf(state, records.remembered(name), { repair, existing, onDrift: 'reassert' }),
      recorder: {
        nextChangeId: () => {
          records.changeId += 1;
          return records.changeId;
        },
        intent: async (intent) => {
          records.intents.push(intent);
        },
        outcome: async (outcome) => this.#ended(outcome),
      },
    });
  }

  register(policy: Policy = {}): Registration {
    return this.registry.register(this.witness, policy, true);
  }

  /** Memory is so much now, and the drivers follow. */
  arrive(roomBytes: number): Promise<Outcome | null> {
    this.limitBytes = limitFor(roomBytes);
    return this.notifier.arrive(OWN);
  }

  /** A planned change to so much room. */
  carryOut(roomBytes: number): Promise<Outcome> {
    const request: PlannedRequest = {
      toBytes: limitFor(roomBytes),
      cause: OWN,
      operation: {
        name: OWN,
        read: () => this.limitBytes,
        operate: async (toBytes) => {
          this.onOperate?.();
          this.limitBytes = this.reaches(toBytes);
          return {};
        },
      },
    };
    return this.notifier.carryOut(request);
  }

  /** Passes until nothing is left to do, or a driver cannot be brought there. */
  async settle(): Promise<void> {
    for (let pass = 0; pass < PASSES_MOST; pass += 1) {
      if ((await this.notifier.repair('drift pass', { wait: true })) === null) return;
    }
  }

  /** What the plan would do with the driver now; `null`: it is not registered. */
  async budget(): Promise<Budget | null> {
    const { plan } = await this.notifier.look();
    return plan.budgets.find(({ driver }) => driver === this.witness.name) ?? null;
  }

  answer(outcome: Outcome | null): Answer | null {
    return outcome?.answers.find(({ driver }) => driver === this.witness.name) ?? null;
  }

  /**
   * The planner is gone in this instant. A driver cannot be stopped in the middle of a line of its code: its
   * call is aborted, and who opened it closes it, as the end of a process closes what it has open.
   */
  kill(): void {
    for (const { shell } of this.registry.members) shell.abort('the planner has died');
    this.witness.cut();
    this.clock.stop();
    this.#dead = true;
    this.#tally.crashes += 1;
    this.#tally.interruptedIntents += this.records.interrupted.length;
  }

  async close(): Promise<void> {
    if (this.#dead) return;
    await this.notifier.close();
    await this.registry.close();
    this.clock.stop();
  }

  #ended(outcome: Outcome): void {
    this.records.write(outcome);
    if (outcome.result === 'refused') this.#tally.refusals += 1;
    const { origin, toBytes } = outcome.change;
    const inPart = origin === 'planned' && outcome.result === 'partly' && this.limitBytes !== toBytes;
    if (inPart) this.#tally.partialEnds += 1;
    const verdict = this.answer(outcome)?.verdict;
    const moved = verdict === 'resized' || verdict === 'partial' || verdict === 'deferred';
    if (outcome.change.kind === 'shrink' && moved) this.#tally.shrinks += 1;
  }

  #sense(): PhysicalMemory {
    const held = this.registry.member(this.witness.name) === null ? 0 : (this.witness.state?.heldBytes ?? 0);
    const usedBytes = held + (this.#neighbour?.heldBytes ?? 0);
    const machineBytes = this.limitBytes * 8;
    const level = (name: string, file: string, limitBytes: Limit) => ({ name, file, limitBytes, usedBytes });
    return {
      ...memoryOf(this.limitBytes),
      partition: 'cgroup:/check@1',
      presentBytes: null,
      onlineBytes: machineBytes,
      boundBy: { level: '/check', file: 'memory.max' },
      levels: [level('/check', 'memory.max', this.limitBytes), level('machine', 'MemTotal', 'max')],
    };
  }
}

/** The smallest limit below which drivers may share so much. */
export function limitFor(roomBytes: number): number {
  let limitBytes = roomBytes + headroomBytes(roomBytes, CPUS);
  while (limitBytes - headroomBytes(limitBytes, CPUS) < roomBytes) {
    limitBytes += roomBytes - (limitBytes - headroomBytes(limitBytes, CPUS));
  }
  return limitBytes;
}
