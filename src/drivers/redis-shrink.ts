// A shrink that has to evict: maxmemory walks down in steps, and looks after each one whether memory follows.
//
//   lower one step -> evicted down to it? -> MEMORY PURGE -> does RSS follow? -> next step
//                          | no: nothing more to evict       | no: fragmentation
//                          v                                 v
//                     step back up, stop                    stop, before more data is lost for nothing
//
// One jump would evict everything first and find out afterwards; measured with 200 B values, 400 -> 160 MB
// evicted 60 % of the entries and gave back nothing.
import { formatBytes, KiB, MiB } from '../core/bytes.ts';
import { messageOf } from '../core/errors.ts';
import { type Defrag, heldOf, roundUp, STEP_BYTES } from './redis-cost.ts';
import { describeStop, follows, isDoubtful, NOISE_BYTES, type Stop, stands } from './redis-follow.ts';
import type { RedisFacts } from './redis-info.ts';

/** What the walk asks of the server. */
export interface ShrinkServer {
  facts(): Promise<RedisFacts>;
  setMaxmemory(bytes: number): Promise<unknown>;
  purge(): Promise<unknown>;
  /** Resolves to false when the build cannot defragment. */
  setDefrag(on: boolean): Promise<boolean>;
}

export interface ShrinkPlan {
  readonly toMaxmemoryBytes: number;
  readonly toBytes: number;
  /** Turn activedefrag on for the duration. */
  readonly defrag: boolean;
}

const SMALLEST_STEP_BYTES = 8 * MiB;
const STEP_SHARE = 0.05;
/** Less is the coming and going of client buffers. */
const FALL_BYTES = 64 * KiB;
const LOOK_MS = { evict: 20, follow: 50 };
const PATIENCE_MS = { evict: 3_000, follow: 1_000, defrag: 20_000 };

export class Shrink {
  readonly plan: ShrinkPlan;
  readonly done: Promise<void>;
  #stop: Stop | null = null;
  #ended = false;
  #firstEvicted: number | null = null;
  #seen: RedisFacts;
  readonly #server: ShrinkServer;
  readonly #cancelled = new AbortController();

  constructor(server: ShrinkServer, plan: ShrinkPlan, facts: RedisFacts, signal?: AbortSignal) {
    this.#server = server;
    this.plan = plan;
    this.#seen = facts;
    const cancel = () => this.#cancelled.abort();
    signal?.addEventListener('abort', cancel, { once: true });
    this.done = this.#run()
      .catch((error: unknown) => {
        this.#stop = { reason: messageOf(error), facts: null };
      })
      .finally(() => {
        this.#ended = true;
        signal?.removeEventListener('abort', cancel);
      });
  }

  /** Still going on, and on the server that it began with. */
  isUnderWay(facts: RedisFacts): boolean {
    return !this.#ended && facts.runId === this.#seen.runId;
  }

  get stop(): Stop | null {
    return this.#stop;
  }

  /** Why it ended early, as long as that is so. */
  stopReason(facts: RedisFacts): string | null {
    if (this.#stop === null || facts.runId !== this.#seen.runId) return null;
    return this.#stop.facts === null || stands(this.#stop, facts) ? this.#stop.reason : null;
  }

  /** How far it is, for people. */
  note(facts: RedisFacts): string {
    const keys = Math.max(0, facts.evictedKeys - (this.#firstEvicted ?? facts.evictedKeys));
    return `${keys} keys evicted so far on the way to maxmemory ${formatBytes(this.plan.toMaxmemoryBytes)}`;
  }

  /** Ends the walk where it is. After it resolves the walk writes nothing more. */
  async cancel(): Promise<void> {
    this.#cancelled.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { activeDefrag } = this.#seen;
    const turnedOn = this.plan.defrag && activeDefrag !== 'yes' && (await this.#server.setDefrag(true));
    const wanted = this.plan.defrag ? 'missing' : 'off';
    try {
      await this.#walk(turnedOn || activeDefrag === 'yes' ? 'on' : wanted);
    } finally {
      if (turnedOn) await this.#server.setDefrag(false);
    }
  }

  async #walk(defrag: Defrag): Promise<void> {
    await this.#server.purge();
    // Half a sample more than RSS may be old: else what the purge gave back would be the merit of a step, or
    // a fill that has just ended would look like memory that does not follow.
    await this.#pause(this.#seen.rssAgeMs * 1.5);
    const first = await this.#look();
    this.#firstEvicted = first.evictedKeys;
    const stepBytes = Math.max(SMALLEST_STEP_BYTES, roundUp(first.countedBytes * STEP_SHARE, STEP_BYTES));
    const limit = first.maxmemoryBytes === 0 ? Number.POSITIVE_INFINITY : first.maxmemoryBytes;
    let at = Math.min(limit, roundUp(first.countedBytes, STEP_BYTES));
    let mark = first;
    let doubted = false;
    while (at > this.plan.toMaxmemoryBytes && !this.#cancelled.signal.aborted) {
      const above = at;
      at = Math.max(this.plan.toMaxmemoryBytes, at - stepBytes);
      await this.#server.setMaxmemory(at);
      if (!(await this.#evictedTo(at))) return this.#backUp(above);
      await this.#server.purge();
      const followed = await this.#followed(mark, defrag);
      if (this.#cancelled.signal.aborted) return;
      if (!followed && !doubted && isDoubtful(mark, this.#seen)) {
        doubted = true; // Judged together with the next step.
        continue;
      }
      if (!followed && at > this.plan.toMaxmemoryBytes) {
        this.#stop = { reason: describeStop(mark, this.#seen, defrag), facts: this.#seen };
        return;
      }
      [mark, doubted] = [this.#seen, false];
    }
  }

  /** Waits until what counts is within the step; false when eviction gets no further. */
  async #evictedTo(maxmemoryBytes: number): Promise<boolean> {
    let lowest = Number.POSITIVE_INFINITY;
    let fellMs = performance.now();
    while (!this.#cancelled.signal.aborted) {
      const { countedBytes } = await this.#look();
      if (countedBytes <= maxmemoryBytes + STEP_BYTES) break;
      if (countedBytes < lowest - FALL_BYTES) {
        lowest = countedBytes;
        fellMs = performance.now();
      }
      if (performance.now() - fellMs > PATIENCE_MS.evict) return false;
      await this.#pause(LOOK_MS.evict);
    }
    return true;
  }

  /** Nothing is left to evict, and over its limit the server refuses writes: the limit steps back up. */
  async #backUp(aboveBytes: number): Promise<void> {
    const facts = await this.#look();
    const needed = roundUp(facts.countedBytes, STEP_BYTES) + STEP_BYTES;
    await this.#server.setMaxmemory(Math.max(aboveBytes, needed));
    const reason = `${facts.policy} finds nothing more to evict: ${formatBytes(facts.countedBytes)} stay`;
    this.#stop = { reason, facts: await this.#look() };
  }

  /** Whether RSS came down with what was evicted since the mark, or is within the budget anyway. */
  async #followed(mark: RedisFacts, defrag: Defrag): Promise<boolean> {
    let lowest = this.#seen.rssBytes;
    let fellMs = performance.now();
    const leastMs = defrag === 'on' ? PATIENCE_MS.defrag : PATIENCE_MS.follow;
    const patienceMs = Math.max(leastMs, this.#seen.rssAgeMs * 3);
    while (!this.#cancelled.signal.aborted) {
      if (heldOf(this.#seen) <= this.plan.toBytes || follows(mark, this.#seen, defrag)) return true;
      if (performance.now() - fellMs > patienceMs) return false;
      await this.#pause(LOOK_MS.follow);
      const { rssBytes } = await this.#look();
      if (rssBytes < lowest - NOISE_BYTES / 2) {
        lowest = rssBytes;
        fellMs = performance.now();
      }
    }
    return false;
  }

  async #look(): Promise<RedisFacts> {
    const facts = await this.#server.facts();
    if (!this.isUnderWay(facts)) throw new Error('the server restarted in the middle of the move');
    this.#seen = facts;
    return facts;
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#cancelled;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
