// What requests go through while dispatchers come and go behind it. It looks like the one of the moment in
// all but this: whoever kept its dispatch sends to the one of the moment too, and not to one that is closed.
import type { UndiciDispatcher } from './undici.ts';

export interface Behind<Dispatcher extends UndiciDispatcher> {
  readonly current: Dispatcher;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** These send through `this.dispatch`, now or later. */
const SENDING: readonly PropertyKey[] = ['compose', 'connect', 'pipeline', 'request', 'stream', 'upgrade'];

export function facing<Dispatcher extends UndiciDispatcher>(behind: Behind<Dispatcher>): Dispatcher {
  const own: Record<PropertyKey, unknown> = {
    dispatch: (options: never, handler: never) => behind.current.dispatch(options, handler),
    close: (callback?: () => void) => told(behind.close(), callback),
    destroy: (...args: unknown[]) => told(behind.destroy(), args.at(-1)),
  };
  const face: object = new Proxy(own, {
    get: (_, key) => {
      if (Object.hasOwn(own, key)) return own[key];
      const value: unknown = Reflect.get(behind.current, key);
      if (typeof value !== 'function') return value;
      return value.bind(SENDING.includes(key) ? face : behind.current);
    },
    has: (_, key) => key in behind.current,
    getPrototypeOf: () => Reflect.getPrototypeOf(behind.current),
  });
  return face as Dispatcher;
}

/** undici takes a callback in place of the promise. */
function told(done: Promise<void>, callback: unknown): Promise<void> | undefined {
  if (typeof callback !== 'function') return done;
  done.then(() => callback(), callback as () => void);
  return undefined;
}
