// Who is registered: drivers (they are resized) and listeners (they only hear the news). Being told is opt-in
// (N11).
import type { News } from './change.ts';
import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import type { Driver } from './driver.ts';
import { HotaddError, messageOf } from './errors.ts';
import { checkPolicy } from './policy-check.ts';
import { Shell } from './shell.ts';

/** Bytes, or a share of usable memory. */
export type Amount = number | { readonly percent: number };

/** What you say of a driver when you register it (P2, E3). */
export interface Policy {
  /** Its share of what is left beyond the minima, against the others; from 0. Default: 1. */
  readonly weight?: number;
  /** What it gets before anything is shared. Default: its floor. */
  readonly min?: Amount;
  /** What it gets at most; one that takes a step more is brought down to it. Default: its ceiling. */
  readonly max?: Amount;
  /**
   * A size that somebody else has set: `reassert` sets it again, `report` leaves it alone and counts it
   * at its cost. Default: `reassert`; in the agent `report`.
   */
  readonly onDrift?: 'report' | 'reassert';
}

export interface Member {
  readonly name: string;
  readonly shell: Shell;
  readonly policy: Policy;
  /** It asked to be planned for at once, and not from the next change on. */
  readonly existing: boolean;
  /** It could not be read when memory changed: that change is still to be planned for. */
  missed: boolean;
  /** The instance of a follower that was set for memory as it is; `null`: none was, in this life. */
  followed: string | null;
}

/** A driver or a listener that is registered. */
export interface Registration {
  /** Takes effect at once; resolves when no call is in flight any more (N12). */
  unregister(): Promise<void>;
}

/** What a listener is given beside the news. */
export interface ListenerContext {
  /** Takes effect at once and does not wait: for use inside the callback (N12). */
  unregister(): void;
}

/**
 * Hears the news of a partition, in order and one at a time. What it throws changes nothing (N17), and a
 * slow one delays no other (N16).
 */
export type Listener = (news: News, context: ListenerContext) => void | Promise<void>;

const CLOSE_DEADLINE_MS = 5_000;

export class Registry {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #members = new Map<string, Member>();
  /** The same in a list, until somebody comes or goes: whoever walks one walks those who were there. */
  #list: readonly Member[] | null = null;
  readonly #listeners = new Set<Delivery>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock);
  }

  get members(): readonly Member[] {
    this.#list ??= [...this.#members.values()];
    return this.#list;
  }

  member(name: string): Member | null {
    return this.#members.get(name) ?? null;
  }

  /** A driver that registers during a delivery gets the next one (N14). Throws HOTADD_NAME_TAKEN. */
  register(driver: Driver, policy: Policy = {}, existing = false): Registration {
    if (this.#members.has(driver.name)) {
      throw new HotaddError('HOTADD_NAME_TAKEN', `a driver named "${driver.name}" is registered already`, {
        mend: 'names are unique in a partition: give this one another',
      });
    }
    checkPolicy(driver.name, policy);
    const shell = new Shell(driver, this.#clock, this.#deadlines);
    const member: Member = { name: driver.name, shell, policy, existing, missed: false, followed: null };
    this.#members.set(driver.name, member);
    this.#list = null;
    return {
      unregister: () => {
        if (this.#members.get(driver.name) === member) {
          this.#members.delete(driver.name);
          this.#list = null;
        }
        return shell.retire();
      },
    };
  }

  /**
   * @param replay news of what exists already, told first; an existing one may be told twice, never three
   * times (N11).
   */
  listen(listener: Listener, replay: readonly News[] = []): Registration {
    const delivery = new Delivery(listener, this.#clock, () => this.#listeners.delete(delivery));
    this.#listeners.add(delivery);
    for (const news of replay) delivery.tell(news);
    return { unregister: () => delivery.stop() };
  }

  /** Tells every listener; none delays another (N15, N16). */
  tell(news: News): void {
    for (const delivery of this.#listeners) delivery.tell(news);
  }

  /** Unregisters everybody and waits for calls in flight, but not for ever: who hangs is left behind. */
  async close(): Promise<void> {
    const members = this.members;
    const deliveries = [...this.#listeners];
    this.#members.clear();
    this.#list = null;
    await this.#deadlines.race(this.#quiet(members, deliveries), CLOSE_DEADLINE_MS, () => undefined);
  }

  async #quiet(members: readonly Member[], deliveries: readonly Delivery[]): Promise<void> {
    await Promise.all([
      ...members.map(({ shell }) => shell.retire()),
      ...deliveries.map((delivery) => delivery.stop()),
    ]);
  }

  /**
   * Listeners that are, or once were, busy with one piece of news for longer than `forMs` (N16). One that
   * blocks the whole process can be seen only when it has returned.
   */
  slowListeners(forMs: number): readonly SlowListener[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#listeners].flatMap(({ name, busySinceMs, longestMs }) => {
      const busyMs = busySinceMs === null ? 0 : nowMs - busySinceMs;
      const longest = Math.max(longestMs, busyMs);
      return longest > forMs ? [{ name, busyMs, longestMs: longest }] : [];
    });
  }

  /** The last error of each (N17). */
  listenerErrors(): readonly { name: string; error: string }[] {
    return [...this.#listeners].flatMap(({ name, error }) => (error === null ? [] : [{ name, error }]));
  }
}

/** How long a listener is busy with a piece of news. */
export interface SlowListener {
  readonly name: string;
  /** Now; 0: it is not. */
  readonly busyMs: number;
  readonly longestMs: number;
}

/** One listener's queue: news in order, one at a time, never from within the caller's own turn (N15). */
class Delivery {
  readonly name: string;
  busySinceMs: number | null = null;
  longestMs = 0;
  error: string | null = null;
  readonly #listener: Listener;
  readonly #clock: Clock;
  readonly #forget: () => void;
  #queue: News[] = [];
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(listener: Listener, clock: Clock, forget: () => void) {
    this.name = listener.name || 'listener';
    this.#listener = listener;
    this.#clock = clock;
    this.#forget = forget;
  }

  tell(news: News): void {
    this.#queue.push(news);
    this.#running ??= this.#run();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#queue = [];
    this.#forget();
    return this.#running ?? Promise.resolve();
  }

  async #run(): Promise<void> {
    await null;
    for (let news = this.#queue.shift(); news !== undefined && !this.#stopped; news = this.#queue.shift()) {
      const sinceMs = this.#clock.monotonicMs();
      this.busySinceMs = sinceMs;
      try {
        await this.#listener(news, { unregister: () => void this.stop() });
      } catch (error) {
        this.error = messageOf(error);
      }
      this.busySinceMs = null;
      this.longestMs = Math.max(this.longestMs, this.#clock.monotonicMs() - sinceMs);
    }
    this.#running = null;
  }
}
