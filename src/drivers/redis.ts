// The Redis and Valkey driver: a budget becomes maxmemory. Read redis-cost.ts for the arithmetic and
// redis-shrink.ts for what happens when data has to go.
//
//   budget --redis-cost--> maxmemory --fits what is used?-- yes: CONFIG SET        (grow, lossless shrink)
//                                                        \- no:  redis-shrink walks down in steps
//
// The connection (redis-connection.ts) is made at the first call.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { HotaddError, Refusal } from '../core/errors.ts';
import { parseAddress, type RedisAddress } from './redis-address.ts';
import { RedisConnection, type RedisLibrary } from './redis-connection.ts';
import {
  type CostModel,
  costOf,
  DEFAULT_OVERHEAD,
  describeHeld,
  floorOf,
  heldOf,
  maxmemoryFor,
  STEP_BYTES,
  weigh,
} from './redis-cost.ts';
import { stands } from './redis-follow.ts';
import type { RedisFacts } from './redis-info.ts';
import type { RedisOptions } from './redis-options.ts';
import { RedisServer } from './redis-server.ts';
import { Shrink } from './redis-shrink.ts';

export type { RedisClient, RedisLibrary } from './redis-connection.ts';

export interface RedisDriverOptions extends RedisOptions {
  readonly name: string;
  /** The client library, in place of the package `redis`. */
  readonly client?: RedisLibrary;
}

/** A driver for one Redis 6.2+ or Valkey server. Nothing is opened before the first call. */
export function redisDriver(options: RedisDriverOptions): Driver {
  return new RedisDriver(options);
}

class RedisDriver implements Driver {
  readonly name: string;
  readonly #options: RedisDriverOptions;
  readonly #model: CostModel;
  readonly #address: RedisAddress;
  readonly #place: string;
  readonly #connection: RedisConnection;
  readonly #server: RedisServer;
  #walk: Shrink | null = null;
  /** Resizes run one after the other; the newest makes those that wait before it give way. */
  #turns: Promise<unknown> = Promise.resolve();
  #newest = 0;

  constructor(options: RedisDriverOptions) {
    this.name = options.name;
    this.#options = options;
    const { overhead = DEFAULT_OVERHEAD, forkRoom } = options;
    this.#model = { overhead, forkRoom: forkRoom === undefined ? null : forkRoom / 100 };
    this.#address = parseAddress(options.name, options.url);
    this.#place = `${options.name} at ${this.#address.text}`;
    this.#connection = new RedisConnection({
      place: this.#place,
      address: this.#address,
      username: options.username ?? null,
      passwordFile: options.passwordFile ?? null,
      tls: options.tls ?? {},
      client: options.client ?? null,
    });
    this.#server = new RedisServer(this.#place, this.#connection);
  }

  async read(signal: AbortSignal): Promise<DriverState> {
    const facts = await this.#server.facts(signal);
    const { why, ...numbers } = weigh(facts, this.#model);
    const walk = this.#walk?.isUnderWay(facts) ? this.#walk : null;
    const over = facts.maxmemoryBytes > 0 && heldOf(facts) > numbers.costBytes;
    // While it moves memory lags behind; only afterwards something holds it.
    const held = walk ? null : (this.#walk?.stopReason(facts) ?? (over ? describeHeld(facts, 'off') : null));
    return {
      ...numbers,
      why: { ...why, ...(held === null ? {} : { held }) },
      ...(walk ? { moving: { toBytes: walk.plan.toBytes, note: walk.note(facts) } } : {}),
      settings: settingsOf(facts, this.#options.activeDefrag === true),
      instance: facts.runId,
      home: this.#home(facts),
    };
  }

  async resize(target: Target, context: ResizeContext): Promise<Setting[]> {
    this.#newest += 1;
    const turn = this.#newest;
    const before = this.#turns;
    const work = before.then(() => {
      if (turn === this.#newest) return this.#resize(target, context.signal);
      throw new HotaddError('HOTADD_BUSY', 'a newer change has come', { place: this.#place });
    });
    this.#turns = work.catch(() => undefined);
    return work;
  }

  /** Writes what is set now into the server's config file. */
  async persist(): Promise<void> {
    await this.#server.rewriteConfig();
  }

  async close(): Promise<void> {
    const walk = this.#walk?.cancel();
    this.#connection.close();
    await walk;
  }

  async #resize(target: Target, signal: AbortSignal): Promise<Setting[]> {
    let facts = await this.#server.facts(signal);
    if ('settings' in target) return this.#goBack(target.settings, facts);
    let asked = this.#maxmemoryToAsk(target.bytes, facts);
    if (this.#walk?.isUnderWay(facts)) {
      if (this.#walk.plan.toMaxmemoryBytes === asked)
        return settingsOf({ ...facts, maxmemoryBytes: asked }, false);
      await this.#walk.cancel();
      facts = await this.#server.facts(signal);
      asked = this.#maxmemoryToAsk(target.bytes, facts);
    }
    const settings = settingsOf({ ...facts, maxmemoryBytes: asked }, false);
    const evicts = facts.countedBytes > asked;
    // A walk that stopped for a reason is not taken further while the reason stands: every pass would evict
    // more.
    const isStopped = evicts && stands(this.#walk?.stop ?? null, facts);
    if (asked === facts.maxmemoryBytes || isStopped) return settings;
    signal.throwIfAborted();
    if (evicts) {
      const defrag = this.#options.activeDefrag === true;
      const plan = { toMaxmemoryBytes: asked, toBytes: target.bytes, defrag };
      this.#walk = new Shrink(this.#server, plan, facts, signal);
      return settings;
    }
    this.#walk = null;
    await this.#server.setMaxmemory(asked, signal);
    const shrinks = facts.maxmemoryBytes === 0 || asked < facts.maxmemoryBytes;
    if (shrinks) await this.#server.purge(signal);
    return settings;
  }

  /** The value in force stays when it is within the budget and less than two steps from what it could be. */
  #maxmemoryToAsk(budgetBytes: number, facts: RedisFacts): number {
    const floor = floorOf(facts, this.#model);
    const wanted = maxmemoryFor(budgetBytes, facts, this.#model);
    if (wanted < floor.maxmemoryBytes) throw new Refusal(`${this.#place}: ${floor.reason}`, floor.bytes);
    const now = facts.maxmemoryBytes;
    const fits = now !== 0 && costOf(now, facts, this.#model) <= budgetBytes;
    return fits && wanted - now < 2 * STEP_BYTES ? now : wanted;
  }

  /** Exactly as read before. Entries given up meanwhile do not come back. */
  async #goBack(settings: readonly Setting[], before: RedisFacts): Promise<Setting[]> {
    const known = new Map(settingsOf(before, true).map(({ name, value }) => [name, value]));
    const foreign = settings.find(({ name, value }) => !known.has(name) || value === null);
    if (foreign !== undefined) {
      throw new HotaddError('HOTADD_UNSUPPORTED', `${foreign.name} is no setting of this driver`, {
        place: this.#place,
      });
    }
    await this.#walk?.cancel();
    this.#walk = null;
    const facts = await this.#server.facts();
    const now = new Map(settingsOf(facts, true).map(({ name, value }) => [name, value]));
    for (const { name, value } of settings) {
      if (value !== null && now.get(name) !== value) await this.#server.set(name, value);
    }
    return settings.map((setting) => ({ ...setting }));
  }

  /** Process 1 behind a local address is a server in a container: its number means nothing here. */
  #home(facts: RedisFacts): DriverState['home'] {
    if (this.#options.cgroup !== undefined) return { cgroup: this.#options.cgroup };
    return this.#address.local && facts.pid > 1 ? { pids: [facts.pid] } : 'elsewhere';
  }
}

function settingsOf(facts: RedisFacts, withDefrag: boolean): Setting[] {
  const settings: Setting[] = [{ name: 'maxmemory', value: String(facts.maxmemoryBytes), live: true }];
  if (withDefrag && facts.activeDefrag !== null) {
    settings.push({ name: 'activedefrag', value: facts.activeDefrag, live: true });
  }
  return settings;
}
