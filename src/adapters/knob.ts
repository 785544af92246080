// What most adapters have in common: software with one size, told in units that each cost so many bytes. A
// budget becomes units, rounded down; a read says what is set. Read it before lru-cache.ts, pg.ts and the
// like, which are each one Knob.
import type { Driver, DriverState, Home, ResizeContext, Setting, Target } from '../core/driver.ts';
import { HotaddError, Refusal } from '../core/errors.ts';

export interface Knob {
  /** What the software itself calls the size. */
  readonly setting: string;
  /** Bytes of the partition's memory that one unit may come to take. */
  readonly unitBytes: number;
  readonly floor: Bound;
  /** `null`: it can grow for as long as there is memory. */
  readonly ceiling: Bound | null;
  readonly instance: string;
  readonly home: Home;
  /** What is true now. */
  read(): KnobReading | Promise<KnobReading>;
  /** Brings it to so many units, or throws; asked for what it has, it changes nothing. */
  set(units: number, signal: AbortSignal): void | Promise<void>;
}

export interface Bound {
  readonly units: number;
  readonly why: string;
}

export interface KnobReading {
  /** Set now. */
  readonly units: number;
  /** `null`: cannot be told. */
  readonly heldBytes: number | null;
  /** What holds more than is set. */
  readonly whyHeld?: string;
}

export function knobDriver(name: string, knob: Knob): Driver {
  return new KnobDriver(name, knob);
}

class KnobDriver implements Driver {
  readonly name: string;
  readonly #knob: Knob;
  /** Resizes run one after the other; the newest makes those before it give way. */
  #turns: Promise<unknown> = Promise.resolve();
  #newest = new AbortController();
  #movingTo: number | null = null;

  constructor(name: string, knob: Knob) {
    this.name = name;
    this.#knob = knob;
  }

  async read(): Promise<DriverState> {
    const { unitBytes, floor, ceiling, instance, home } = this.#knob;
    const { units, heldBytes, whyHeld } = await this.#knob.read();
    const why = {
      ...(floor.units > 0 ? { floor: floor.why } : {}),
      ...(ceiling === null ? {} : { ceiling: ceiling.why }),
      ...(whyHeld === undefined ? {} : { held: whyHeld }),
    };
    const toBytes = this.#movingTo === null ? null : this.#movingTo * unitBytes;
    return {
      costBytes: Math.ceil(units * unitBytes),
      heldBytes: heldBytes === null ? null : Math.ceil(heldBytes),
      floorBytes: floor.units * unitBytes,
      ceilingBytes: ceiling === null ? null : ceiling.units * unitBytes,
      stepBytes: unitBytes,
      why,
      ...(toBytes === null ? {} : { moving: { toBytes, note: `${this.#knob.setting} is being set` } }),
      settings: [this.#setting(units)],
      instance,
      home,
    };
  }

  async resize(target: Target, { signal }: ResizeContext): Promise<Setting[]> {
    // A budget that is refused leaves the one before it on its way.
    const units = this.#unitsOf(target);
    const stop = AbortSignal.any([signal, this.#overtake('a newer change has come')]);
    const work = this.#turns.then(() => this.#set(units, stop));
    this.#turns = work.catch(() => undefined);
    return work;
  }

  /** Ends what is under way; the size stays as it is then. */
  async close(): Promise<void> {
    this.#overtake('the driver is closed');
    await this.#turns;
  }

  #overtake(reason: string): AbortSignal {
    this.#newest.abort(new HotaddError('HOTADD_BUSY', reason, { place: this.name }));
    this.#newest = new AbortController();
    return this.#newest.signal;
  }

  async #set(units: number, signal: AbortSignal): Promise<Setting[]> {
    signal.throwIfAborted();
    this.#movingTo = units;
    try {
      await this.#knob.set(units, signal);
    } finally {
      this.#movingTo = null;
    }
    return [this.#setting(units)];
  }

  #unitsOf(target: Target): number {
    if ('settings' in target) return this.#unitsBefore(target.settings);
    const { unitBytes, floor, ceiling } = this.#knob;
    const units = Math.min(Math.floor(target.bytes / unitBytes), ceiling?.units ?? Number.MAX_SAFE_INTEGER);
    if (units < floor.units) throw new Refusal(`${this.name}: ${floor.why}`, floor.units * unitBytes);
    return units;
  }

  #unitsBefore(settings: readonly Setting[]): number {
    const { setting } = this.#knob;
    const [only, ...others] = settings;
    const units = Number(only?.value ?? Number.NaN);
    const isKnown = only?.name === setting && Number.isFinite(units) && units >= 0;
    if (isKnown && others.length === 0) return units;
    const given = settings.map(({ name, value }) => `${name}=${value}`).join(' ') || 'nothing';
    const mend = `hand back ${setting} as it was read`;
    throw new HotaddError('HOTADD_UNSUPPORTED', `${given} cannot be set`, { place: this.name, mend });
  }

  #setting(units: number): Setting {
    return { name: this.#knob.setting, value: String(units), live: true };
  }
}

const instances = new WeakMap<object, string>();
let count = 0;

/** The same for each driver over the same software. */
export function instanceOf(software: object): string {
  const known = instances.get(software);
  if (known !== undefined) return known;
  count += 1;
  const instance = `in this process, ${count}`;
  instances.set(software, instance);
  return instance;
}
