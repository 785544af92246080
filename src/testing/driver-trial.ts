// One driver on trial: asking it, waiting until it is still, and saying what is wrong. The checks themselves
// are in driver-contract.ts.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { HotaddError } from '../core/errors.ts';
import type { PhysicalMemory } from '../core/memory.ts';

export interface DriverSubject {
  /** A driver over the party under test, which is at rest. Called once for each check. */
  open(): Driver | Promise<Driver>;
  /** Two budgets that it takes, at least four of its steps apart. */
  readonly smallBytes: number;
  readonly largeBytes: number;
  /** The longest that a move may take; default 30 s. */
  readonly waitMs?: number;
  /** Waiting, where time is not the real one. */
  pause?(delayMs: number): Promise<void>;
}

const LOOK_MS = 20;
const DEFAULT_WAIT_MS = 30_000;
export const COSTS = 'costBytes is what it may come to take with the settings in force, overhead included';

export class Trial {
  readonly driver: Driver;
  readonly subject: DriverSubject;
  #changeId = 0;

  constructor(driver: Driver, subject: DriverSubject) {
    this.driver = driver;
    this.subject = subject;
  }

  read(): Promise<DriverState> {
    return this.driver.read(new AbortController().signal);
  }

  ask(
    target: { bytes: number } | { settings: readonly Setting[] },
    signal?: AbortSignal,
  ): Promise<Setting[]> {
    this.#changeId += 1;
    const context: ResizeContext = {
      changeId: this.#changeId,
      phase: 'arrival',
      deadlineMs: this.subject.waitMs ?? DEFAULT_WAIT_MS,
      signal: signal ?? new AbortController().signal,
    };
    const whole: Target = 'bytes' in target ? { ...target, memory: memoryOf(target.bytes) } : target;
    return this.driver.resize(whole, context);
  }

  /** Goes to a budget, and holds the driver to it. */
  async to(bytes: number): Promise<DriverState> {
    const asked = await this.ask({ bytes });
    const state = await this.still();
    for (const { name, value, pending } of asked) {
      const found = state.settings.find((setting) => setting.name === name);
      const readsBack = found?.value === value || (pending !== undefined && found?.pending === pending);
      const problem = `asked ${name}=${value}, reads back ${found?.value ?? 'nothing'}`;
      this.expect(
        readsBack,
        problem,
        'return the value as the server will tell it, and read it from the server',
      );
    }
    const over = `costs ${state.costBytes} with a budget of ${bytes}`;
    this.expect(state.costBytes <= bytes, over, `round settings down; ${COSTS}`);
    return state;
  }

  /** The state once nothing moves any more. */
  async still(): Promise<DriverState> {
    const longestMs = this.subject.waitMs ?? DEFAULT_WAIT_MS;
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const state = await this.read();
      this.checkState(state);
      if (state.moving === undefined) return state;
      this.expect(
        waitedMs < longestMs,
        `still moves after ${longestMs} ms: ${state.moving.note}`,
        'end the move',
      );
      await this.#pause(LOOK_MS);
    }
  }

  /** Whether a promise settles in time. */
  wait(promise: Promise<unknown>): Promise<boolean> {
    const settled = promise.then(() => true);
    return Promise.race([settled, this.#pause(1_000).then(() => false)]);
  }

  checkState(state: DriverState): void {
    const odd = findOdd(state, 'state');
    this.expect(
      odd === null,
      `${odd} is not plain JSON`,
      'use texts, finite numbers, true, false, null and lists',
    );
    for (const name of ['costBytes', 'floorBytes', 'stepBytes', 'heldBytes', 'ceilingBytes'] as const) {
      const value = state[name];
      const unknown = value === null && (name === 'heldBytes' || name === 'ceilingBytes');
      const inRange = Number.isSafeInteger(value) && Number(value) >= 0;
      this.expect(unknown || inRange, `${name} is ${value}`, 'bytes are whole numbers from 0');
    }
    const texts = state.settings.every(({ value }) => value === null || typeof value === 'string');
    this.expect(texts, 'a setting is no text', "give values in the server's own unit, as texts");
  }

  expectSettings(found: readonly Setting[], wanted: readonly Setting[], problem: string, mend: string): void {
    const text = (settings: readonly Setting[]) =>
      settings
        .map(({ name, value }) => `${name}=${value}`)
        .sort()
        .join(' ');
    this.expect(text(found) === text(wanted), `${problem}: ${text(found)}, not ${text(wanted)}`, mend);
  }

  expect(holds: boolean, problem: string, mend: string): void {
    if (!holds) throw this.bad(problem, mend);
  }

  bad(problem: string, mend: string): HotaddError {
    return new HotaddError('HOTADD_BAD_DRIVER', problem, { place: this.driver.name, mend });
  }

  #pause(delayMs: number): Promise<void> {
    return this.subject.pause?.(delayMs) ?? new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

/** The path of the first value that does not survive JSON. */
function findOdd(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : path;
  if (typeof value !== 'object') return path;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, inner] of Object.entries(value)) {
    const odd = findOdd(inner, `${path}.${key}`);
    if (odd !== null) return odd;
  }
  return null;
}

function memoryOf(usableBytes: number): PhysicalMemory {
  const level = { name: 'machine', limitBytes: usableBytes, file: 'MemTotal', usedBytes: null };
  return {
    partition: 'machine:contract',
    presentBytes: usableBytes,
    onlineBytes: usableBytes,
    usableBytes,
    boundBy: { level: level.name, file: level.file },
    levels: [level],
    hiddenAncestors: false,
    blocks: null,
    nodes: null,
    pressure: null,
    stale: [],
    gone: false,
  };
}
