// One connection to a server, made at the first call and again at the first call after it was lost: between
// calls nothing retries. Calls share it in order, so what is written later takes effect later.
import { READ_IN_LOOK_MS } from '../core/driver.ts';
import { HotaddError } from '../core/errors.ts';
import type { RedisAddress } from './redis-address.ts';
import { explain } from './redis-errors.ts';
import { readSecret, readTls, type TlsFiles } from './redis-files.ts';

/** The part of a node-redis client (version 5 or newer) that is used. */
export interface RedisClient {
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  sendCommand(command: string[]): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** The package `redis`, or anything with the same createClient. */
export interface RedisLibrary {
  createClient(options: object): RedisClient;
}

export interface ConnectionOptions {
  readonly place: string;
  readonly address: RedisAddress;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly tls: TlsFiles;
  readonly client: RedisLibrary | null;
}

/** Less than a look gives a read, so that this error is the one that is seen. */
const CONNECT_TIMEOUT_MS = READ_IN_LOOK_MS * 0.75;
/**
 * A call given up after this long has found a silent peer; the connection is not used again. Half of what
 * a look gives a read, of which an earlier call may have taken a part.
 */
const SILENT_MS = READ_IN_LOOK_MS / 2;

export class RedisConnection {
  readonly #options: ConnectionOptions;
  #opening: Promise<RedisClient> | null = null;
  #secrets: string[] = [];
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    if (options.address.password !== null) this.#secrets.push(options.address.password);
  }

  /** Sends commands together and resolves to their replies in order: one round trip. */
  async send(commands: readonly string[][], signal?: AbortSignal): Promise<unknown[]> {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    const replies = this.#client().then((client) =>
      Promise.all(
        commands.map((command) =>
          client
            .sendCommand(command)
            .catch((error: unknown) => Promise.reject(this.#explain(error, command))),
        ),
      ),
    );
    try {
      return await orAborted(replies, signal);
    } catch (error) {
      if (signal?.aborted && performance.now() - startedMs >= SILENT_MS) this.#drop();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    const opening = this.#opening;
    this.#opening = null;
    // Version 5 throws when there is nothing left to destroy.
    opening?.then((client) => client.destroy()).catch(() => undefined);
  }

  async #client(): Promise<RedisClient> {
    if (this.#closed)
      throw new HotaddError('HOTADD_CLOSED', 'the driver is closed', { place: this.#options.place });
    const opening = this.#opening;
    if (opening !== null) {
      const client = await opening;
      if (client.isReady) return client;
      if (this.#opening === opening) this.#drop();
    }
    this.#opening ??= this.#open();
    return this.#opening;
  }

  #open(): Promise<RedisClient> {
    const opening = this.#connect().catch((error: unknown) => {
      if (this.#opening === opening) this.#opening = null;
      throw this.#explain(error, null);
    });
    return opening;
  }

  async #connect(): Promise<RedisClient> {
    const { place, address, passwordFile, tls } = this.#options;
    const library = this.#options.client ?? (await loadLibrary(place));
    const password = passwordFile === null ? address.password : await readSecret(place, passwordFile);
    if (password !== null) this.#secrets = [...new Set([...this.#secrets, password])];
    const username = this.#options.username ?? address.username;
    const client = library.createClient({
      // RESP 2 and no CLIENT SETINFO: connecting then sends nothing but AUTH, so no further rights are
      // needed.
      RESP: 2,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      disableOfflineQueue: true,
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      socket: {
        ...address.socket,
        ...(address.tls ? { tls: true, ...(await readTls(place, tls)) } : {}),
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectStrategy: false,
      },
    });
    // Every call has its own error; without a listener a lost connection would end the process.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  #explain(error: unknown, command: readonly string[] | null): HotaddError {
    const { place, username, address } = this.#options;
    const user = username ?? address.username ?? 'default';
    return explain(error, { place, user, secrets: this.#secrets, command });
  }
}

async function loadLibrary(place: string): Promise<RedisLibrary> {
  try {
    return (await import('redis')) as unknown as RedisLibrary;
  } catch {
    throw new HotaddError('HOTADD_MISSING_CLIENT', 'the package redis is not installed', {
      place,
      mend: 'npm install redis',
    });
  }
}

/** The outcome of the work, or the reason of the abort, whichever comes first. */
function orAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
