// Does real memory follow what was evicted? The one question that decides whether a shrink goes on. Pure.
import { formatBytes, MiB } from '../core/bytes.ts';
import { type Defrag, describeHeld, heldOf } from './redis-cost.ts';
import type { RedisFacts } from './redis-info.ts';

/** Why a walk ended early, and what the server looked like then; `null`: it could not be asked. */
export interface Stop {
  readonly reason: string;
  readonly facts: RedisFacts | null;
}

/** RSS follows when at least this share of what was evicted comes back. */
const FOLLOW_SHARE = 0.5;
/** Below this share memory does not follow: small values in fragmented pages give back nothing at all. */
const DOUBT_SHARE = 0.25;
/** RSS moves this much by itself. */
export const NOISE_BYTES = 2 * MiB;
/** Defaults of active-defrag-ignore-bytes and active-defrag-threshold-lower: less is not defragmented. */
const DEFRAG_IGNORES = { bytes: 100 * MiB, share: 0.1 };

/** Whether RSS came down with what was evicted since the mark. */
export function follows(mark: RedisFacts, now: RedisFacts, defrag: Defrag): boolean {
  const evicted = mark.usedBytes - now.usedBytes;
  const lag = evicted - (mark.rssBytes - now.rssBytes);
  const ignored = defrag === 'on' ? DEFRAG_IGNORES.bytes + now.usedBytes * DEFRAG_IGNORES.share : 0;
  return lag <= Math.max(NOISE_BYTES, evicted * (1 - FOLLOW_SHARE), ignored);
}

/** Some came back, and less than follows: one more step tells which of the two it is. */
export function isDoubtful(mark: RedisFacts, now: RedisFacts): boolean {
  return mark.rssBytes - now.rssBytes >= (mark.usedBytes - now.usedBytes) * DOUBT_SHARE;
}

export function describeStop(mark: RedisFacts, now: RedisFacts, defrag: Defrag): string {
  const evicted = formatBytes(mark.usedBytes - now.usedBytes);
  const back = formatBytes(Math.max(0, mark.rssBytes - now.rssBytes));
  return `stopped: the last ${evicted} evicted gave back ${back}; ${describeHeld(now, defrag)}`;
}

/** The reason of a stop stands while the server is as it was then: same run, same limit, as much held. */
export function stands(stop: Stop | null, facts: RedisFacts): boolean {
  if (stop === null || stop.facts === null) return false;
  const same = stop.facts.runId === facts.runId && stop.facts.maxmemoryBytes === facts.maxmemoryBytes;
  return same && heldOf(facts) > heldOf(stop.facts) * 0.95;
}
