// One look at everything: memory as it is now, every driver as it is now, and the plan that follows from
// them. Nothing is remembered from one look to the next but the highest unmanaged use and what a failed read
// left behind.
import { formatBytes } from './bytes.ts';
import type { Clock } from './clock.ts';
import { type DriverState, READ_IN_LOOK_MS } from './driver.ts';
import { messageOf } from './errors.ts';
import type { Limit, PhysicalMemory } from './memory.ts';
import { defaultReserveBytes, type Plan, type PlanDriver, type PlanLevel, plan } from './plan.ts';
import type { Pool } from './pool.ts';
import type { Amount, Member, Registry } from './registry.ts';
import { heldTogether, type Unmanaged } from './room.ts';
import { inWaves } from './waves.ts';

/** Pressure that holds back growth (S10): all tasks stalled for this share of the last 10 s, in percent. */
const PRESSURE_HOLDS_GROWTH = 5;

/** What a look needs from outside. */
export interface Surroundings {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly unmanaged: Unmanaged;
  readonly cpus: number;
  /** Configured reserve; `null`: the default of P3. */
  readonly reserve: Amount | null;
  /**
   * So many processes plan for a share each of the same memory. None knows what the others hold: it takes
   * them to hold as much as itself. Default: 1.
   */
  readonly processes?: number;
  /** Memory as the kernel tells it now. */
  sense(): PhysicalMemory;
  /** What this process holds (RSS + swap): its drivers together hold no more. `null`: cannot be told. */
  selfHeldBytes(): number | null;
  /** What was sized at start and stays (section 7); absent: nobody looks at pools. */
  pools?(memory: PhysicalMemory): readonly Pool[];
  /** Why a driver must be left alone (drift, E3); `null`: it may be resized. */
  standing(member: Member, state: DriverState, repair: boolean): string | null;
}

/** A driver as a look has found it. */
export interface Reading {
  /** The driver: `member.name`. */
  readonly member: Member;
  /** As it reads now, or as it read last; `null`: it could never be read. */
  readonly state: DriverState | null;
  /** Why there is no state, or only an old one. */
  readonly error: string | null;
}

/** One look at everything, and the plan that follows. */
export interface Survey {
  /** Memory at the moment of the look. */
  readonly memory: PhysicalMemory;
  /** The drivers, in the order in which they registered. */
  readonly readings: readonly Reading[];
  /** What follows from both. */
  readonly plan: Plan;
  /** What was sized at start and stays. */
  readonly pools: readonly Pool[];
}

export interface Question {
  /**
   * True for a pass without a change: drift is looked for, and unmanaged use presses only after a while.
   */
  readonly repair: boolean;
  /** The partition's own limit as it will be; absent: as it is. */
  readonly ownLimitBytes?: Limit;
  /** Drivers that have said no in this change: they stay at what they hold. */
  readonly unmoved?: ReadonlySet<string>;
}

export async function survey(around: Surroundings, question: Question): Promise<Survey> {
  const readings = await inWaves(around.registry.members, readMember);
  // One that was slow has kept the look waiting: of the others something newer may have been read since.
  for (const reading of readings) reading.state = reading.member.shell.state;
  const memory = around.sense();
  const doubted = sampleUnmanaged(around, memory, readings);
  const pools = around.pools?.(memory) ?? [];
  return { memory, readings, plan: planOf(around, { memory, readings, doubted }, question), pools };
}

async function readMember(member: Member): Promise<{ -readonly [Key in keyof Reading]: Reading[Key] }> {
  try {
    return { member, state: await member.shell.read(READ_IN_LOOK_MS), error: null };
  } catch (error) {
    return { member, state: member.shell.state, error: messageOf(error) };
  }
}

/**
 * Measures what is in use beside the drivers, at every level that can tell. A driver that cannot be read may
 * have filled up to its cost since; the plan counts it so, and what it took must not count as others' for
 * minutes. It may also have lost what it held: as long as nobody knows, that holds back growth.
 * @returns what may be in use beside the drivers now, by level.
 */
function sampleUnmanaged(
  around: Surroundings,
  memory: PhysicalMemory,
  readings: readonly Reading[],
): ReadonlyMap<string, number> {
  const processes = around.processes ?? 1;
  const heldBytes = heldBy(around, readings) * processes;
  const isDoubted = readings.some(({ state, error }) => error !== null && state !== null);
  const surelyHeldBytes = isDoubted
    ? heldBy(
        around,
        readings.filter(({ error }) => error === null),
      ) * processes
    : heldBytes;
  const doubted = new Map<string, number>();
  const nowMs = around.clock.monotonicMs();
  for (const { name, usedBytes } of memory.levels) {
    if (usedBytes === null) continue;
    around.unmanaged.sample(nowMs, name, usedBytes, heldBytes);
    doubted.set(name, Math.max(0, usedBytes - surelyHeldBytes));
  }
  return doubted;
}

function heldBy(around: Surroundings, readings: readonly Reading[]): number {
  const held = readings.flatMap(({ state, error }) => {
    if (state === null || state.heldBytes === null) return [];
    const heldBytes = error === null ? state.heldBytes : Math.max(state.heldBytes, state.costBytes);
    return [{ heldBytes, process: state.home === 'self' ? 'self' : null }];
  });
  return heldTogether(held, () => around.selfHeldBytes());
}

interface Seen {
  readonly memory: PhysicalMemory;
  readonly readings: readonly Reading[];
  readonly doubted: ReadonlyMap<string, number>;
}

function planOf(around: Surroundings, seen: Seen, question: Question): Plan {
  const { memory, readings } = seen;
  const levels = levelsOf(around, seen, question);
  const usableBytes = levels.length === 0 ? 0 : Math.min(...levels.map(({ limitBytes }) => limitBytes));
  const processes = around.processes ?? 1;
  const shareBytes = Math.floor(usableBytes / processes);
  const drivers = readings.map((reading) => planDriver(around, reading, shareBytes, question));
  const input = {
    levels,
    usableBytes,
    cpus: around.cpus,
    processes,
    reserveBytes:
      around.reserve === null ? defaultReserveBytes(usableBytes) : bytesOf(around.reserve, usableBytes),
    drivers,
    growthHeld: growthHeld(memory),
  };
  if (!question.repair) return plan({ ...input, pressed: true });
  const calm = plan({ ...input, pressed: false });
  const costs = drivers.reduce(
    (total, { ceilingBytes, committedBytes }) => total + (ceilingBytes === 0 ? 0 : committedBytes),
    0,
  );
  const pressed = around.unmanaged.missing(around.clock.monotonicMs(), costs > calm.roomBytes);
  return pressed ? plan({ ...input, pressed }) : calm;
}

function levelsOf(
  around: Surroundings,
  { memory, doubted }: Seen,
  question: Question,
): (PlanLevel & { limitBytes: number })[] {
  const nowMs = around.clock.monotonicMs();
  return memory.levels.flatMap(({ name, limitBytes }, index) => {
    const limit = index === 0 && question.ownLimitBytes !== undefined ? question.ownLimitBytes : limitBytes;
    if (limit === null || limit === 'max') return [];
    const unmanagedBytes = around.unmanaged.at(nowMs, name);
    return [{ name, limitBytes: limit, unmanagedBytes, doubtedBytes: doubted.get(name) ?? 0 }];
  });
}

function planDriver(
  around: Surroundings,
  reading: Reading,
  shareBytes: number,
  question: Question,
): PlanDriver {
  const { member, state, error } = reading;
  const { weight = 1, min = 0, max } = member.policy;
  // What was asked and may still take effect is what it may come to take: a smaller budget is a shrink.
  const asked = member.shell.askedBytes ?? 0;
  const costBytes = Math.max(state?.costBytes ?? 0, state?.afterRestartBytes ?? 0, asked);
  return {
    name: member.name,
    weight,
    minBytes: bytesOf(min, shareBytes),
    maxBytes: max === undefined ? null : bytesOf(max, shareBytes),
    floorBytes: state?.floorBytes ?? 0,
    ceilingBytes: state?.ceilingBytes ?? null,
    stepBytes: state?.stepBytes ?? 1,
    costBytes,
    committedBytes: Math.max(costBytes, state?.heldBytes ?? 0),
    frozen: frozen(around, reading, question) ?? (error === null ? null : `cannot be read: ${error}`),
    why: state?.why ?? {},
  };
}

function frozen(around: Surroundings, { member, state }: Reading, question: Question): string | null {
  if (member.shell.stuck) return 'stuck: an earlier call has not returned';
  if (question.unmoved?.has(member.name)) return 'stays at what it holds';
  return state === null ? null : around.standing(member, state, question.repair && !member.missed);
}

function growthHeld(memory: PhysicalMemory): string | null {
  const stale = memory.stale[0];
  if (stale !== undefined) return `nothing grows while ${stale.reading} cannot be read (${stale.error})`;
  const full = memory.pressure?.fullAvg10 ?? 0;
  return full >= PRESSURE_HOLDS_GROWTH ? `nothing grows under memory pressure (full avg10 ${full} %)` : null;
}

function bytesOf(amount: Amount, usableBytes: number): number {
  return typeof amount === 'number' ? amount : Math.floor((usableBytes * amount.percent) / 100);
}

/**
 * A driver that could not be read has missed the change; one that could has been planned for. Followers are
 * behind until they are set.
 */
export function noteMissed({ readings }: Survey, isChange: boolean): void {
  for (const { member, error } of readings) {
    member.missed = error !== null && (isChange || member.missed);
    if (isChange) member.followed = null;
  }
}

/** What drivers take of the room: the larger of what they may take and what they hold. */
export function costsOf({ readings }: Pick<Survey, 'readings'>): number {
  let costs = 0;
  for (const { state } of readings) {
    if (state !== null && state.ceilingBytes !== 0) costs += Math.max(state.costBytes, state.heldBytes ?? 0);
  }
  return costs;
}

/** What stays unused of the room, and why (section 1: unclaimed). */
export function unclaimedOf({ plan, readings }: Survey): { bytes: number; reasons: string[] } {
  const costs = costsOf({ readings });
  if (costs > plan.roomBytes) return { bytes: 0, reasons: [] };
  const bytes = plan.roomBytes - costs;
  const reasons = plan.budgets
    .filter(({ move }) => move === 'keep')
    .map(({ driver, reason }) => `${driver}: ${reason}`);
  for (const { member, state } of readings) {
    if (state?.afterRestartBytes !== undefined && state.afterRestartBytes > state.costBytes) {
      reasons.push(
        `${member.name} would take ${formatBytes(state.afterRestartBytes - state.costBytes)} after a restart`,
      );
    }
  }
  if (plan.budgets.length === 0) reasons.push('no driver is registered');
  return { bytes, reasons };
}

/**
 * Who differs from the plan, and how; an instance tells a restart from what was there before. Settings of a
 * follower have no plan to differ from: it does until it has been set, once in each of its lives and of ours.
 */
export function differing({ plan, readings }: Survey): string {
  const differ = plan.budgets.flatMap(({ driver, move, budgetBytes }, index) => {
    const reading = readings[index];
    const instance = reading?.state?.instance ?? null;
    const isAsPlanned = move === 'keep' || (move === 'follow' && reading?.member.followed === instance);
    return isAsPlanned ? [] : [`${driver} ${instance} ${budgetBytes}`];
  });
  return differ.join(', ');
}
