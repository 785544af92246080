// The control loop of a partition: a hint or the poll wakes it, memory is read again, and what has settled
// goes to the notifier. It works on state, not on events: a lost hint costs a second, never a change.
import type { Cancel, Clock } from '../core/clock.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Notifier } from '../core/notifier.ts';
import { Settler, STILL } from '../core/settle.ts';
import type { Sensor } from '../sense/sensor.ts';

/** Balloons and the small steps of virtio-mem emit nothing, so the poll is always on (S3). */
const POLL_MS = 1_000;
const POLL_MOVING_MS = 100;
/** Memory counts as moving for this long after it was last seen to move. */
const MOVING_MS = 2_000;
/** What is in use beside the drivers is measured this often. */
const MEASURE_MS = 5_000;
/** Drift is looked for this often. */
const REPAIR_MS = 180_000;

export interface LoopSeams {
  readonly sensor: Sensor;
  readonly clock: Clock;
  readonly notifier: Notifier;
  /** Told of each reading that the loop makes. */
  onMemory?(memory: PhysicalMemory): void;
}

export class Loop {
  readonly #seams: LoopSeams;
  readonly #settler: Settler;
  readonly #unhint: () => void;
  #poll: Cancel = () => {};
  #lastUsableBytes: number | null = null;
  #movedAtMs = Number.NEGATIVE_INFINITY;
  #measuredAtMs: number;
  #repairedAtMs: number;
  #measuring: Promise<unknown> | null = null;
  #closed = false;

  constructor(seams: LoopSeams) {
    this.#seams = seams;
    this.#settler = new Settler(seams.sensor.cpus);
    this.#measuredAtMs = this.#repairedAtMs = seams.clock.monotonicMs();
    this.#unhint = seams.sensor.onHint(() => this.look());
    this.look();
  }

  /** Reads memory again, and acts on what it says. */
  look(): void {
    if (this.#closed) return;
    const { sensor, clock, notifier } = this.#seams;
    const memory = sensor.read();
    const nowMs = clock.monotonicMs();
    if (memory.usableBytes !== this.#lastUsableBytes) this.#movedAtMs = nowMs;
    this.#lastUsableBytes = memory.usableBytes;
    // Before the first plan memory is taken as it is; a change is measured against what was planned for.
    // Memory that our own operation moves is no news: what it comes to is planned for when it has ended.
    const settled =
      notifier.state === 'operating' ? STILL : this.#settler.look(memory, notifier.plannedForBytes, nowMs);
    if (settled.due) void notifier.arrive(settled.cause);
    // While memory settles nothing is planned for it, by no other way either: it may come back (S4).
    else if (settled.againInMs === null) this.#measure(nowMs);
    this.#seams.onMemory?.(memory);
    this.#wakeIn(settled.due ? POLL_MOVING_MS : (settled.againInMs ?? this.#pollMs(nowMs)));
  }

  /** Resolves when nothing that the loop began is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#poll();
    this.#unhint();
    await this.#measuring;
  }

  #pollMs(nowMs: number): number {
    return nowMs - this.#movedAtMs < MOVING_MS ? POLL_MOVING_MS : POLL_MS;
  }

  #wakeIn(delayMs: number): void {
    this.#poll();
    this.#poll = this.#seams.clock.after(Math.max(1, delayMs), () => this.look());
  }

  #measure(nowMs: number): void {
    if (this.#measuring !== null || nowMs - this.#measuredAtMs < MEASURE_MS) return;
    this.#measuredAtMs = nowMs;
    const { notifier } = this.#seams;
    const repairIsDue = nowMs - this.#repairedAtMs >= REPAIR_MS;
    if (repairIsDue) this.#repairedAtMs = nowMs;
    const work = repairIsDue ? notifier.repair('drift pass') : notifier.measure();
    this.#measuring = work.finally(() => {
      this.#measuring = null;
    });
  }
}
