// undici fixes the number of connections when a dispatcher is made. So this driver makes it: what it hands
// out forwards to the dispatcher of the moment, and a resize makes another one. The one before is closed as
// undici closes, which is when all it was given, queued requests too, has been answered.
import type { Driver } from '../core/driver.ts';
import { HotaddError } from '../core/errors.ts';
import { instanceOf, type Knob, knobDriver } from './knob.ts';
import { badOption, expectCount, expectMethods } from './options.ts';
import { facing } from './undici-facing.ts';

/** An Agent or a Pool of undici 8. */
export interface UndiciDispatcher {
  dispatch(options: never, handler: never): boolean;
  close(): Promise<void>;
  destroy(): Promise<void>;
  on(event: 'connect' | 'disconnect', listener: () => void): unknown;
}

export interface UndiciOptions {
  /** Connections to one origin, at first. */
  readonly connections: number;
  /** What one connection costs the memory of THIS partition: its socket, its buffers, bodies under way. */
  readonly bytesPerConnection: number;
  /** Origins that are talked with at a time: an Agent has a pool for each. Default: 1. */
  readonly origins?: number;
  /** Connections to one origin that stay at any budget. Default: 1. */
  readonly floor?: number;
  /** Connections to one origin that are of use. Default: no ceiling. */
  readonly ceiling?: number;
}

export interface UndiciDriver<Dispatcher extends UndiciDispatcher = UndiciDispatcher> extends Driver {
  /** What requests go through, in place of a dispatcher that is made once. Closing it ends all. */
  readonly dispatcher: Dispatcher;
}

/**
 * @param open Makes a dispatcher with so many connections to an origin, a new one at each call.
 * @throws HotaddError HOTADD_BAD_USAGE
 */
export function undiciDriver<Dispatcher extends UndiciDispatcher>(
  name: string,
  open: (connections: number) => Dispatcher,
  options: UndiciOptions,
): UndiciDriver<Dispatcher> {
  if (typeof open !== 'function') {
    throw badOption(name, 'open is no function', 'give (connections) => new Agent({ connections })');
  }
  const least = expectCount(name, 'floor', options.floor ?? 1);
  const most = options.ceiling === undefined ? null : expectCount(name, 'ceiling', options.ceiling, least);
  const origins = expectCount(name, 'origins', options.origins ?? 1);
  const bytes = expectCount(name, 'bytesPerConnection', options.bytesPerConnection);
  const swap = new Swap(name, open, expectCount(name, 'connections', options.connections, least));
  const knob: Knob = {
    setting: 'connections',
    unitBytes: bytes * origins,
    floor: { units: least, why: `it keeps ${least} connections to an origin` },
    ceiling: most === null ? null : { units: most, why: `more than ${most} connections are of no use` },
    instance: instanceOf(swap),
    home: 'self',
    read: () => {
      const tooMany = swap.open - swap.connections * origins;
      const whyHeld = `${tooMany} connections too many finish what they were given before a resize`;
      return { units: swap.connections, heldBytes: swap.open * bytes, ...(tooMany > 0 ? { whyHeld } : {}) };
    },
    set: (units) => swap.to(units),
  };
  return Object.assign(knobDriver(name, knob), { dispatcher: facing(swap) });
}

/** The dispatcher of the moment, and those before it that are not done yet. */
class Swap<Dispatcher extends UndiciDispatcher> {
  current: Dispatcher;
  connections: number;
  /** Sockets of all of them. */
  open = 0;
  readonly #name: string;
  readonly #make: (connections: number) => Dispatcher;
  readonly #draining = new Map<Dispatcher, Promise<void>>();
  #isClosed = false;

  constructor(name: string, make: (connections: number) => Dispatcher, connections: number) {
    this.#name = name;
    this.#make = make;
    this.connections = connections;
    this.current = this.#counted(connections);
  }

  to(connections: number): void {
    if (connections === this.connections) return;
    if (this.#isClosed) {
      const mend = 'close the dispatcher after its driver is unregistered';
      throw new HotaddError('HOTADD_CLOSED', 'the dispatcher is closed', { place: this.#name, mend });
    }
    const before = this.current;
    this.current = this.#counted(connections);
    this.connections = connections;
    this.#drain(before);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.current.close(), ...this.#draining.values()]);
  }

  /** An Agent that is closing no longer reaches its pools: what it was given is still answered. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.current, ...this.#draining.keys()].map((one) => one.destroy()));
  }

  #drain(before: Dispatcher): void {
    const done = () => void this.#draining.delete(before);
    // One that was destroyed on purpose cannot be closed, and has nothing left to wait for.
    this.#draining.set(before, before.close().then(done, done));
  }

  #counted(connections: number): Dispatcher {
    const made = this.#make(connections);
    expectMethods(this.#name, 'a dispatcher of undici', made, ['dispatch', 'close', 'destroy', 'on']);
    if (made === this.current) {
      throw badOption(this.#name, 'open gave the same dispatcher twice', 'make a new one at each call');
    }
    made.on('connect', () => {
      this.open += 1;
    });
    made.on('disconnect', () => {
      this.open -= 1;
    });
    return made;
  }
}
