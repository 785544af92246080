// How long single calls take in a cache of very many small entries: filled, full, emptied by deletes, resized
// and cleared. Most calls take less than a microsecond; what counts here is the longest one, in which a table
// of the index is split or merged, a segment is emptied, or the garbage is collected.
import { performance } from 'node:perf_hooks';
import { ByteCache } from '../../src/buffers/byte-cache.ts';
import { GiB, MiB } from '../../src/core/bytes.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';

export interface LongestOptions {
  readonly entries: number;
  readonly valueBytes: number;
}

/** In microseconds, so that most of them are told apart. */
class Times {
  readonly #buckets = new Float64Array(1_000_000);
  #calls = 0;
  #longestMs = 0;

  add(ms: number): void {
    const bucket = Math.min(this.#buckets.length - 1, Math.floor(ms * 10_000));
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#calls += 1;
    this.#longestMs = Math.max(this.#longestMs, ms);
  }

  /** Within which so many of the calls were over. */
  #atMs(share: number): number {
    let left = this.#calls * share;
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0) return (bucket + 1) / 10_000;
    }
    return this.#longestMs;
  }

  toString(): string {
    const shares = [0.5, 0.99, 0.999, 0.9999].map(
      (share) => `p${share * 100} ${this.#atMs(share) * 1000} us`,
    );
    return `${this.#calls} calls, ${shares.join(', ')}, longest ${this.#longestMs.toFixed(3)} ms`;
  }
}

export async function longestCalls({ entries, valueBytes }: LongestOptions, tell: (line: string) => void) {
  const random = new RandomSim(1);
  const cache = new ByteCache('longest', { bytes: 8 * GiB });
  const value = new Uint8Array(valueBytes);
  const measure = (title: string, calls: number, call: (index: number) => unknown) => {
    const times = new Times();
    let beginMs = performance.now();
    for (let index = 0; index < calls; index += 1) {
      call(index);
      const endMs = performance.now();
      times.add(endMs - beginMs);
      beginMs = endMs;
    }
    tell(`${title}: ${times}; ${cache.stats.entries} entries, ${Math.round(cache.heldBytes / MiB)} MiB`);
  };
  const any = () => `key ${random.between(0, entries - 1)}`;
  measure('set, growing', entries, (index) => cache.set(`key ${index}`, value));
  measure('get', entries, () => cache.get(any())?.release());
  measure('set again', entries, () => cache.set(any(), value));
  await timed('shrink to what it holds', tell, () => cache.setBytes(cache.heldBytes));
  measure('set, evicting', entries, (index) => cache.set(`more ${index}`, value));
  await timed('shrink by half', tell, () => cache.setBytes(cache.heldBytes / 2));
  measure('delete', entries, (index) => cache.delete(`more ${index}`));
  measure('set, once more', entries, (index) => cache.set(`key ${index}`, value));
  await timed('clear', tell, async () => cache.clear());
  await timed('shrink to nothing', tell, () => cache.setBytes(0));
}

/** Also how long the loop had no turn. */
async function timed(title: string, tell: (line: string) => void, call: () => Promise<void>): Promise<void> {
  let longestMs = 0;
  let turnMs = performance.now();
  let done = false;
  const turn = () => {
    longestMs = Math.max(longestMs, performance.now() - turnMs);
    turnMs = performance.now();
    if (!done) setImmediate(turn);
  };
  const beginMs = performance.now();
  setImmediate(turn);
  await call();
  done = true;
  longestMs = Math.max(longestMs, performance.now() - turnMs);
  tell(`${title}: ${(performance.now() - beginMs).toFixed(1)} ms, longest turn ${longestMs.toFixed(1)} ms`);
}
