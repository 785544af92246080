// A partition, opened: its memory now, who is registered, and the loop that takes changes through them. The
// one way to open one is openPartition (open.ts).
import type { Driver } from '../core/driver.ts';
import { checkIsDriver } from '../core/driver-check.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Notifier } from '../core/notifier.ts';
import type { Outcome } from '../core/outcome.ts';
import { POLICY } from '../core/policy-check.ts';
import type { Pool } from '../core/pool.ts';
import type { Listener, Policy, Registration, Registry } from '../core/registry.ts';
import type { Survey } from '../core/survey.ts';
import { checkLimit, checkOptions } from '../core/usage-check.ts';
import type { Sensor } from '../sense/sensor.ts';
import { atHome } from './home.ts';
import type { Loop } from './loop.ts';
import type { Operations } from './operations.ts';

export interface PartitionParts {
  readonly machine: Machine;
  readonly sensor: Sensor;
  readonly registry: Registry;
  readonly notifier: Notifier;
  readonly loop: Loop;
  readonly operations: Operations;
  /** Closes what openPartition() has opened: the sensor, the lock, the machine. */
  closeAll(): Promise<void>;
  readonly pools: () => readonly Pool[];
}

/**
 * An open partition: its memory, who is registered, and the loop that takes changes through them. It
 * keeps the process alive until it is closed, by `close()` or `await using`. After that its memory can still
 * be read, and every call but `close()` throws HOTADD_CLOSED.
 */
export class Partition {
  readonly #parts: PartitionParts;
  #closed: Promise<void> | null = null;

  /** @internal See openPartition(). */
  constructor(parts: PartitionParts) {
    this.#parts = parts;
  }

  /** `machine:<machine-id>`, `cgroup:<path>@<inode>`, `unit:<name>`. */
  get identity(): string {
    return this.#parts.sensor.identity;
  }

  /** Memory at this moment, read from the kernel: never a value from before. */
  get memory(): PhysicalMemory {
    return this.#parts.sensor.read();
  }

  /**
   * Why some changes are not told of at once, in sentences: the poll finds those, within a second. Empty:
   * every change of this partition gives a hint.
   */
  get hintsMissing(): readonly string[] {
    return this.#parts.sensor.hintsMissing;
  }

  /**
   * Whether drivers are resized. False without `apply`, and in a cluster whose lock a stranger has taken:
   * then changes are planned and reported only.
   */
  get applies(): boolean {
    return this.#parts.notifier.seams.apply;
  }

  /** @internal For the agent. */
  get sensor(): Sensor {
    return this.#parts.sensor;
  }

  /** @internal For the agent. */
  get notifier(): Notifier {
    return this.#parts.notifier;
  }

  /** @internal For the agent. */
  get registry(): Registry {
    return this.#parts.registry;
  }

  /**
   * Hears the news of changes and takes part in none. The news carries no amount: read `partition.memory`.
   * @param options.existing tells first of the memory that is there already (N11); default: only what comes.
   */
  onChange(listener: Listener, options: { existing?: boolean } = {}): Registration {
    this.#mustBeOpen();
    const existing = { changeId: 0, kind: 'grow', phase: 'arrival', cause: 'existing' } as const;
    return this.#parts.registry.listen(listener, options.existing ? [existing] : []);
  }

  /**
   * Registers a driver: from the next change on it is resized. With `existing` it is planned for now.
   * @throws HotaddError HOTADD_BAD_DRIVER for what is no driver, HOTADD_BAD_USAGE for a policy that is none,
   * HOTADD_NAME_TAKEN, HOTADD_CLOSED.
   */
  register(driver: Driver, options: Policy & { existing?: boolean } = {}): Registration {
    this.#mustBeOpen();
    checkIsDriver('register', driver);
    checkOptions(driver.name, options, { ...POLICY, existing: true });
    const { existing = false, ...policy } = options;
    const path = this.#parts.sensor.controlGroup?.path ?? null;
    const registration = this.#parts.registry.register(
      atHome(driver, this.#parts.machine, path),
      policy,
      existing,
    );
    if (existing) void this.#parts.notifier.repair(`${driver.name} has registered`, { wait: true });
    return registration;
  }

  /**
   * What was sized at start and stays, as it is now, with what would mend it: the heap of this process in the
   * partition that it runs in (`self`). Never summed with what drivers take.
   */
  pools(): readonly Pool[] {
    this.#mustBeOpen();
    return this.#parts.pools();
  }

  /**
   * A look at everything and the plan that follows; touches nothing (P5).
   * @param limitBytes plans as if the partition's own limit, or the machine's MemTotal, were this.
   * @throws HotaddError HOTADD_BAD_USAGE for a limit that is no whole bytes above 0.
   */
  async plan(limitBytes?: number): Promise<Survey> {
    this.#mustBeOpen();
    if (limitBytes !== undefined) checkLimit('plan', limitBytes);
    return this.#parts.notifier.look(limitBytes);
  }

  /**
   * A planned change: of the own limit of a cgroup, or of the memory blocks of a machine. Drivers first and
   * the memory after on a shrink, the memory first on growth. It needs `apply`, and the right to write the
   * limit or the blocks.
   * @param toBytes the limit, or MemTotal, as it is to be; a machine has it in whole blocks at or below.
   * @returns what came of it, also when that is `refused` or `failed`.
   * @throws HotaddError before anyone is told: HOTADD_BAD_USAGE for what is no whole bytes above 0,
   * HOTADD_NOT_APPLIED, HOTADD_BUSY, HOTADD_UNREADABLE, HOTADD_GONE, HOTADD_HISTORY, HOTADD_MISSING_RIGHT;
   * HOTADD_UNSUPPORTED for what this machine cannot have, and where several processes share the partition.
   */
  async resize(toBytes: number): Promise<Outcome> {
    this.#mustBeOpen();
    checkLimit('resize', toBytes);
    return this.#parts.notifier.carryOut(this.#parts.operations.planned(toBytes));
  }

  /** Unregisters everybody, waits for calls in flight, and leaves no timer, watch or socket behind. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { loop, notifier, registry, closeAll } = this.#parts;
    // Together: the loop waits for what it began, which the notifier brings to its end.
    await Promise.all([loop.close(), notifier.close()]);
    await registry.close();
    await closeAll();
  }

  #mustBeOpen(): void {
    if (this.#closed !== null) throw new HotaddError('HOTADD_CLOSED', 'the partition has been closed');
  }
}
