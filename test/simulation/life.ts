// One life of the agent, from its start to its close, its crash or the end. Every seam is reached through the
// life: when it dies, at any of these crossings, no timer of it fires, no call of it returns, and nothing
// that it still runs has an effect.
import type { Disk, DiskHandle } from '../../src/agent/disk.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Driver, ResizeContext, Target } from '../../src/core/driver.ts';
import type { Machine } from '../../src/core/machine.ts';

/** What a life tells of itself. */
export interface LifeWitness {
  /** It writes to the machine: what happens until this returns, or what it returns settles, is its doing. */
  writing(life: Life, work: () => void | Promise<void>): void | Promise<void>;
  asked(life: Life, driver: string, target: Target, context: ResizeContext): void;
  ended(life: Life, driver: string, outcome: { changeId: number; phase: 'complete' | 'failure' }): void;
  died(life: Life): void;
}

/**
 * A call that never returns: one of its own each, since all that waits on one promise lives as long as it.
 */
const never = () => new Promise<never>(() => {});
const DEAD = 'this life of the agent is over';

export class Life {
  readonly number: number;
  dead = false;
  readonly #witness: LifeWitness;
  /** It dies at this crossing, counted from now; `null`: it does not. */
  #diesIn: number | null = null;

  constructor(number: number, witness: LifeWitness) {
    this.number = number;
    this.#witness = witness;
  }

  /** Dies after so many crossings of a seam; 0: at once. */
  dieIn(crossings: number): void {
    this.#diesIn = crossings;
    if (crossings <= 0) this.die();
  }

  /** It is not to die any more. */
  spare(): void {
    this.#diesIn = null;
  }

  die(): void {
    if (this.dead) return;
    this.dead = true;
    this.#witness.died(this);
  }

  /** A call to the outside: it may be the last, and then it is never known whether it has happened. */
  async cross<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.dead) return never();
    const isLast = this.#isLast();
    // Half of those that are cut off have been sent before.
    if (isLast && (this.#diesIn ?? 0) % 2 === 0) return this.#dieNow();
    const result = call();
    if (isLast) {
      result.catch(() => undefined);
      return this.#dieNow();
    }
    try {
      const value = await result;
      return this.dead ? never() : value;
    } catch (thrown) {
      if (this.dead) return never();
      throw thrown;
    }
  }

  clock(clock: Clock): Clock {
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      during: (work) => clock.during?.(work),
      after: (delayMs, callback) =>
        clock.after(delayMs, () => {
          if (!this.dead) callback();
        }),
    };
  }

  machine(machine: Machine): Machine {
    const alive = <Result>(read: () => Result): Result => {
      if (this.dead) throw new Error(DEAD);
      return read();
    };
    const write = (path: string, text: string) => {
      if (this.dead || this.#isLast()) {
        this.die();
        throw new Error(DEAD);
      }
      this.#witness.writing(this, () => machine.writeText(path, text));
    };
    return {
      cpus: machine.cpus,
      readText: (path) => alive(() => machine.readText(path)),
      list: (path) => alive(() => machine.list(path)),
      inode: (path) => alive(() => machine.inode(path)),
      writeText: write,
      writeTextSlowly: (path, text) =>
        this.cross(async () => this.#witness.writing(this, () => machine.writeTextSlowly(path, text))),
      watch: (path, onHint) =>
        alive(() =>
          machine.watch(path, () => {
            if (!this.dead) onHint();
          }),
        ),
      uevents: (onUevent, onLost) =>
        machine.uevents(
          (uevent) => {
            if (!this.dead) onUevent(uevent);
          },
          () => {
            if (!this.dead) onLost();
          },
        ),
      lock: (identity, request) => machine.lock(identity, request),
      totalMemoryBytes: () => alive(() => machine.totalMemoryBytes()),
    };
  }

  disk(disk: Disk): Disk {
    return {
      open: (path, flags, mode) => this.cross(async () => this.#handle(await disk.open(path, flags, mode))),
      writeFile: (path, text, options) => this.cross(() => disk.writeFile(path, text, options)),
      mkdir: (path, options) => this.cross(() => disk.mkdir(path, options)),
      rename: (from, to) => this.cross(() => disk.rename(from, to)),
      rm: (path, options) => this.cross(() => disk.rm(path, options)),
      stat: (path) => disk.stat(path),
      lstat: (path) => disk.lstat(path),
      access: (path, mode) => disk.access(path, mode),
      realpath: (path) => disk.realpath(path),
    };
  }

  driver(name: string, server: Pick<Driver, 'read' | 'resize'>): Driver {
    return {
      name,
      read: (signal) => this.cross(() => server.read(signal)),
      resize: (target, context) =>
        this.cross(() => {
          this.#witness.asked(this, name, target, context);
          return server.resize(target, context);
        }),
      ended: (outcome) =>
        this.cross(async () => {
          this.#witness.ended(this, name, outcome);
        }),
    };
  }

  #handle(handle: DiskHandle): DiskHandle {
    return {
      read: (buffer, offset, length, position) => handle.read(buffer, offset, length, position),
      write: (buffer, offset, length, position) =>
        this.cross(() => handle.write(buffer, offset, length, position)),
      truncate: (length) => this.cross(() => handle.truncate(length)),
      sync: () => this.cross(() => handle.sync()),
      stat: () => handle.stat(),
      close: () => handle.close(),
    };
  }

  #isLast(): boolean {
    if (this.#diesIn === null) return false;
    this.#diesIn -= 1;
    return this.#diesIn <= 0;
  }

  #dieNow(): Promise<never> {
    this.die();
    return never();
  }
}
