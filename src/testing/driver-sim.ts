// A simulated driver: one buffer of so many bytes, and on request the ways in which drivers misbehave. It
// knows no real memory; what it holds follows what it is set to, as slowly as it is told to.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { Refusal } from '../core/errors.ts';

/** What a driver is like. */
export interface DriverSimOptions {
  /** What it is set to and holds at first. */
  readonly sizeBytes: number;
  /** Its floor. Default: 0. */
  readonly floorBytes?: number;
  /** Its ceiling. Default: none. */
  readonly ceilingBytes?: number | null;
  /** Its step. Default: 1. */
  readonly stepBytes?: number;
}

/**
 * How the next resize goes: `obey`; `throw`; `refuse` (with its floor); `hang` (never returns, deaf to its
 * signal); `ignore` (says it did, does nothing); `lie` (sets something else); `half` (goes half of the way);
 * `clings` (its setting moves, what it holds does not); `restart` (takes effect after a restart).
 */
export type Behaviour =
  | 'obey'
  | 'throw'
  | 'refuse'
  | 'hang'
  | 'ignore'
  | 'lie'
  | 'half'
  | 'clings'
  | 'restart';

/** A driver of one buffer, which misbehaves on request. */
export class DriverSim implements Driver {
  /** @internal Of the server, or of production code. */
  readonly name: string;
  /** How the next resize goes. A test may set it. */
  behaviour: Behaviour = 'obey';
  /** What it is set to. A test may set it. */
  sizeBytes: number;
  /** What it holds; `null`: it cannot tell. A test may set it. */
  heldBytes: number | null;
  /** Its floor. A test may set it. */
  floorBytes: number;
  /** Its ceiling; `null`: none. A test may set it. */
  ceilingBytes: number | null;
  /** Which run of it this is. A test may set it. */
  instance = 'first';
  /** Every call in order, for tests to look at. */
  readonly calls: {
    readonly target: Target;
    readonly phase: ResizeContext['phase'];
    readonly changeId: number;
  }[] = [];
  /** How started changes ended, as it was told, in order. */
  readonly endings: { readonly changeId: number; readonly phase: 'complete' | 'failure' }[] = [];
  readonly #stepBytes: number;
  #pendingBytes: number | null = null;
  #release: (() => void) | null = null;

  /** A driver of this name, that obeys. */
  constructor(name: string, options: DriverSimOptions) {
    this.name = name;
    this.sizeBytes = options.sizeBytes;
    this.heldBytes = options.sizeBytes;
    this.floorBytes = options.floorBytes ?? 0;
    this.ceilingBytes = options.ceilingBytes ?? null;
    this.#stepBytes = options.stepBytes ?? 1;
  }

  /** @internal Of the server, or of production code. */
  async read(): Promise<DriverState> {
    return {
      costBytes: this.sizeBytes,
      heldBytes: this.heldBytes,
      floorBytes: this.floorBytes,
      ceilingBytes: this.ceilingBytes,
      stepBytes: this.#stepBytes,
      why: { floor: 'its floor is simulated', ceiling: 'its ceiling is simulated' },
      settings: [this.#setting(this.sizeBytes)],
      instance: this.instance,
      home: 'self',
      ...(this.#pendingBytes === null ? {} : { afterRestartBytes: this.#pendingBytes }),
    };
  }

  /** @internal Of the server, or of production code. */
  async resize(target: Target, context: ResizeContext): Promise<Setting[]> {
    this.calls.push({ target, phase: context.phase, changeId: context.changeId });
    if ('settings' in target) return this.#set(Number(target.settings[0]?.value ?? 0));
    const most = Math.min(target.bytes, this.ceilingBytes ?? target.bytes);
    const bytes = Math.floor(most / this.#stepBytes) * this.#stepBytes;
    if (bytes < this.floorBytes) throw new Refusal(`needs ${this.floorBytes} bytes`, this.floorBytes);
    switch (this.behaviour) {
      case 'obey':
        return this.#set(bytes);
      case 'throw':
        throw new Error('broken on purpose');
      case 'refuse':
        throw new Refusal('not now', this.sizeBytes);
      case 'hang':
        await new Promise<void>((resolve) => {
          this.#release = resolve;
        });
        return this.#set(bytes);
      case 'ignore':
        return [this.#setting(bytes)];
      case 'lie':
        this.#set(Math.floor(this.sizeBytes * 1.1));
        return [this.#setting(bytes)];
      case 'half':
        return this.#set(Math.floor((this.sizeBytes + bytes) / 2));
      case 'clings':
        this.sizeBytes = bytes;
        return [this.#setting(bytes)];
      case 'restart':
        this.#pendingBytes = bytes;
        return [{ name: 'size', value: String(bytes), live: false }];
    }
  }

  /** @internal Of the server, or of production code. */
  async ended(outcome: { changeId: number; phase: 'complete' | 'failure' }): Promise<void> {
    this.endings.push(outcome);
  }

  /** Lets a hanging call return after all. */
  release(): void {
    this.#release?.();
    this.#release = null;
  }

  #set(bytes: number): Setting[] {
    this.sizeBytes = bytes;
    this.heldBytes = bytes;
    return [this.#setting(bytes)];
  }

  #setting(bytes: number): Setting {
    const pending = this.#pendingBytes;
    return {
      name: 'size',
      value: String(bytes),
      live: true,
      ...(pending === null ? {} : { pending: String(pending) }),
    };
  }
}
