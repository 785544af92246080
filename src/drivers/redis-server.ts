// The few commands that are sent to a server. One round trip reads everything; the rights they need are in
// docs/reference/drivers/redis.md, and a test runs as a user that has no others.
import { HotaddError } from '../core/errors.ts';
import type { RedisConnection } from './redis-connection.ts';
import { isMissingRight } from './redis-errors.ts';
import { parseFacts, type RedisFacts } from './redis-info.ts';

export class RedisServer {
  readonly #place: string;
  readonly #connection: RedisConnection;

  constructor(place: string, connection: RedisConnection) {
    this.#place = place;
    this.#connection = connection;
  }

  async facts(signal?: AbortSignal): Promise<RedisFacts> {
    const [info, ...config] = await this.#connection.send(
      [
        ['INFO'],
        // 6.2 takes one pattern at a time. This one also matches maxmemory-policy and replica-ignore-
        // maxmemory.
        ['CONFIG', 'GET', '*maxmemory*'],
        ['CONFIG', 'GET', 'save'],
        ['CONFIG', 'GET', 'activedefrag'],
      ],
      signal,
    );
    return parseFacts(this.#place, { info, config });
  }

  async set(name: string, value: string, signal?: AbortSignal): Promise<void> {
    await this.#connection.send([['CONFIG', 'SET', name, value]], signal);
  }

  async setMaxmemory(bytes: number, signal?: AbortSignal): Promise<void> {
    await this.set('maxmemory', String(bytes), signal);
  }

  /** Gives free pages back at once. Without the right to ask, the allocator does so by itself, later. */
  async purge(signal?: AbortSignal): Promise<void> {
    await this.#connection.send([['MEMORY', 'PURGE']], signal).catch((error: unknown) => {
      if (!isMissingRight(error)) throw error;
    });
  }

  /** Resolves to false when the build cannot defragment: only trying tells (config.c). */
  async setDefrag(on: boolean): Promise<boolean> {
    try {
      await this.set('activedefrag', on ? 'yes' : 'no');
      return true;
    } catch (error) {
      if (error instanceof HotaddError && error.code === 'HOTADD_UNSUPPORTED') return false;
      throw error;
    }
  }

  async rewriteConfig(): Promise<void> {
    await this.#connection.send([['CONFIG', 'REWRITE']]);
  }
}
