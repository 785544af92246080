// The arithmetic between a budget and maxmemory. Pure.
//
//   cost = fixed + maxmemory x overhead x (1 + fork room)
//
// maxmemory bounds what Redis asks of its allocator, not what the process takes: the allocator's rounding and
// gaps, code and libraries, buffers to replicas, and pages copied while a fork saves come on top.
import { formatBytes, MiB } from '../core/bytes.ts';
import type { DriverState } from '../core/driver.ts';
import type { RedisFacts } from './redis-info.ts';

/** maxmemory moves in whole MiB. */
export const STEP_BYTES = MiB;
/**
 * RSS over maxmemory of full servers was measured at 1.06 to 1.22, for values of 200 B to 20 KB; Redis 7.0.
 */
export const DEFAULT_OVERHEAD = 1.25;
/** Room for pages that a fork makes the server copy, as a share of the set, when it forks at all. */
export const DEFAULT_FORK_ROOM = 0.2;
/** An empty Redis 7.0 holds 12 MiB, of which 8 are outside its allocator. */
const PROCESS_BYTES = 12 * MiB;
/** Fixed parts are rounded up, so that their small movements do not move the cost. */
const FIXED_STEP_BYTES = 4 * MiB;

export interface CostModel {
  readonly overhead: number;
  /** A share, such as 0.2. `null`: DEFAULT_FORK_ROOM if the server forks, else 0. */
  readonly forkRoom: number | null;
}

/** What maxmemory does not cover. */
export function fixedBytes(facts: RedisFacts): number {
  const outside = Math.max(PROCESS_BYTES, facts.outsideBytes) + facts.replicaBufferBytes;
  const aof = facts.appendOnly ? Math.max(FIXED_STEP_BYTES, facts.aofBufferBytes) : facts.aofBufferBytes;
  return roundUp(outside + aof, FIXED_STEP_BYTES);
}

export function forkRoomOf(facts: RedisFacts, model: CostModel): number {
  return model.forkRoom ?? (facts.forks ? DEFAULT_FORK_ROOM : 0);
}

function factorOf(facts: RedisFacts, model: CostModel): number {
  return model.overhead * (1 + forkRoomOf(facts, model));
}

export function costOf(maxmemoryBytes: number, facts: RedisFacts, model: CostModel): number {
  return fixedBytes(facts) + Math.ceil(maxmemoryBytes * factorOf(facts, model));
}

export function stepOf(facts: RedisFacts, model: CostModel): number {
  return Math.ceil(STEP_BYTES * factorOf(facts, model));
}

/** The largest maxmemory whose cost is within the budget; 0 or less when none is. */
export function maxmemoryFor(budgetBytes: number, facts: RedisFacts, model: CostModel): number {
  const forData = (budgetBytes - fixedBytes(facts)) / factorOf(facts, model);
  const rounded = Math.floor(forData / STEP_BYTES) * STEP_BYTES;
  return costOf(rounded, facts, model) <= budgetBytes ? rounded : rounded - STEP_BYTES;
}

/** What the server holds now. RSS below used_memory means that a part of it is swapped out. */
export function heldOf(facts: RedisFacts): number {
  return Math.max(facts.rssBytes, facts.usedBytes) + facts.cowBytes;
}

export function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}

export interface Floor {
  readonly maxmemoryBytes: number;
  readonly bytes: number;
  readonly reason: string;
}

/** The smallest budget it can live with now, and why. */
export function floorOf(facts: RedisFacts, model: CostModel): Floor {
  const inUse = roundUp(facts.countedBytes, STEP_BYTES);
  const keeps = keepsEverything(facts);
  const own = facts.startupBytes + facts.clientBytes + facts.backlogBytes;
  const least = roundUp(own, STEP_BYTES) + STEP_BYTES;
  const maxmemoryBytes = keeps === null ? least : Math.max(least, inUse);
  const evicts = `below ${formatBytes(costOf(inUse, facts, model))} ${facts.policy} gives up entries`;
  const reason =
    keeps === null
      ? `its own buffers fit no lower; ${evicts}`
      : `${keeps}, so what is in use (${formatBytes(facts.countedBytes)}) stays in use`;
  return { maxmemoryBytes, bytes: costOf(maxmemoryBytes, facts, model), reason };
}

/** Why nothing can be evicted; `null` when something can. */
function keepsEverything(facts: RedisFacts): string | null {
  if (!facts.evictsItself) return 'this is a replica, which leaves eviction to its master';
  if (facts.policy === 'noeviction') return 'maxmemory-policy is noeviction';
  if (facts.policy.startsWith('volatile-') && facts.expiringKeys === 0) {
    return `maxmemory-policy is ${facts.policy} and no key has an expiry`;
  }
  return null;
}

type Numbers = Pick<DriverState, 'costBytes' | 'heldBytes' | 'floorBytes' | 'ceilingBytes' | 'stepBytes'>;

/** The state's numbers and the reasons behind them. */
export function weigh(
  facts: RedisFacts,
  model: CostModel,
): Numbers & { why: NonNullable<DriverState['why']> } {
  const heldBytes = heldOf(facts);
  const floor = floorOf(facts, model);
  const unlimited = facts.maxmemoryBytes === 0;
  const cost = unlimited
    ? 'maxmemory is 0, no limit: counted at what it holds, and it may take more'
    : describeCost(facts, model);
  return {
    costBytes: unlimited ? heldBytes : costOf(facts.maxmemoryBytes, facts, model),
    heldBytes,
    floorBytes: floor.bytes,
    ceilingBytes: null,
    stepBytes: stepOf(facts, model),
    why: { floor: floor.reason, cost },
  };
}

function describeCost(facts: RedisFacts, model: CostModel): string {
  const room = forkRoomOf(facts, model);
  const short = facts.lastCowBytes > facts.maxmemoryBytes * model.overhead * room;
  const copied = formatBytes(facts.lastCowBytes);
  return (
    `${formatBytes(fixedBytes(facts))} + maxmemory ${formatBytes(facts.maxmemoryBytes)} x ${model.overhead}` +
    (room > 0 ? ` x ${1 + room} (room for a fork)` : '') +
    (facts.forks && short ? `; the last fork copied ${copied}, more than this leaves room for` : '')
  );
}

/** Active defragmentation: not tried, not in this build, or tried. */
export type Defrag = 'off' | 'missing' | 'on';

const REMEDIES: Record<Defrag, string> = {
  off: 'activedefrag yes would give it back if this build has it (option activeDefrag), else a restart',
  missing: 'this build has no active defragmentation, so only a restart would give it back',
  on: 'active defragmentation got no further, so a restart would give it back',
};

/** What holds the memory, and what would help. */
export function describeHeld(facts: RedisFacts, defrag: Defrag): string {
  const ratio = facts.fragmentation === null ? '' : ` (mem_fragmentation_ratio ${facts.fragmentation})`;
  const fork = facts.cowBytes > 0 ? `; ${formatBytes(facts.cowBytes)} of it are a fork's copies` : '';
  const [held, used] = [formatBytes(heldOf(facts)), formatBytes(facts.usedBytes)];
  return `holds ${held} for ${used} in use: fragmentation${ratio}${fork}; ${REMEDIES[defrag]}`;
}
