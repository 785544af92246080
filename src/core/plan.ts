// The plan: a budget for each driver. Pure and deterministic: same input, same plan (P5); O(n log n).
//
//   room     = over all levels the least of: limit - headroom - max(reserve, unmanaged)          (P3)
//   frozen   = drivers that cannot be moved now (stuck, unread, drift): counted at what they take
//   budgets  = the rest of room, by weight above the minima, what one cannot take to the others   (P2)
//   growth   = cut down to what is left beside those that keep a little more than their share
//
// What is or may be unmanaged holds back growth at once; it makes a driver shrink only when `pressed`.
import { formatBytes, MiB } from './bytes.ts';
import { filling, type Span } from './fill.ts';
import { headroomBytes, type Limit } from './memory.ts';

/** Growth below this share of a budget is not worth telling anyone (S4). */
export const DEAD_BAND = 0.01;
const RESERVE_SHARE = 0.2;
const RESERVE_MIN_BYTES = 64 * MiB;

export interface PlanLevel {
  readonly name: string;
  readonly limitBytes: Limit;
  /** In use at this level by everything that hotadd does not manage; highest of the last 10 minutes. */
  readonly unmanagedBytes: number;
  /** The same, with what a driver held that cannot be read now: it holds back growth, and that is all. */
  readonly doubtedBytes?: number;
}

export interface PlanDriver {
  readonly name: string;
  readonly weight: number;
  readonly minBytes: number;
  readonly maxBytes: number | null;
  readonly floorBytes: number;
  /** The driver's own ceiling and that of the cgroup it lives in (D5), whichever is lower; `null`: none. */
  readonly ceilingBytes: number | null;
  readonly stepBytes: number;
  /** max(cost, what waits for a restart, what was asked and may yet come): a budget is compared with it. */
  readonly costBytes: number;
  /** max(cost, held, bytes asked and not yet proven): what it counts in room (P1). */
  readonly committedBytes: number;
  /** Why it cannot be moved in this round; `null`: it can. */
  readonly frozen: string | null;
  readonly why: { readonly floor?: string; readonly ceiling?: string };
}

export interface PlanInput {
  readonly levels: readonly PlanLevel[];
  readonly usableBytes: number;
  readonly cpus: number;
  /** Room is shared evenly by so many processes, each with a plan of its own (E6). Default: 1. */
  readonly processes?: number;
  readonly reserveBytes: number;
  /** In the order of the list, which is the priority. */
  readonly drivers: readonly PlanDriver[];
  /** Why nothing may grow now (stale readings, pressure); `null`: growth is allowed. */
  readonly growthHeld: string | null;
  /** True when unmanaged use may make drivers shrink. */
  readonly pressed: boolean;
}

/** What the plan gives a driver, in bytes. */
export interface Budget {
  /** Its name. */
  readonly driver: string;
  /** What it may come to take with its present settings. */
  readonly costBytes: number;
  /** What it is to come to. */
  readonly budgetBytes: number;
  /** `keep`: it stays as it is. `follow`: it takes no memory, and its settings follow that of others. */
  readonly move: 'grow' | 'shrink' | 'keep' | 'follow';
  /** Why, for people. */
  readonly reason: string;
}

/** Room and a budget for each driver, in bytes: the same input gives the same plan (P5). */
export interface Plan {
  /** Usable memory that is planned for. */
  readonly usableBytes: number;
  /** What the drivers of this process may share. */
  readonly roomBytes: number;
  /** What growth may count on: less than room while a driver cannot be read. */
  readonly growthRoomBytes: number;
  /** The level with the least room. */
  readonly boundBy: string;
  /** Kept free for what nobody planned: 3 % of usable, at least 16 MiB and 256 KiB for each CPU. */
  readonly headroomBytes: number;
  /** max(reserve, unmanaged) at the level that binds. */
  readonly setAsideBytes: number;
  /** One for each driver, in the order in which they registered. */
  readonly budgets: readonly Budget[];
  /** Unmanaged use was allowed to make drivers shrink. */
  readonly pressed: boolean;
  /** How much the floors exceed the room; 0 when they fit. */
  readonly shortBytes: number;
  /** What fell short of its minimum, named in the order it was served. */
  readonly shortage: readonly string[];
}

/** Bytes set aside when nothing is configured: 20 % of usable, at least 64 MiB (P3). */
export function defaultReserveBytes(usableBytes: number): number {
  return Math.max(Math.floor(usableBytes * RESERVE_SHARE), RESERVE_MIN_BYTES);
}

export function plan(input: PlanInput): Plan {
  const room = roomAt(input, ({ unmanagedBytes }) => unmanagedBytes);
  const calm = input.pressed ? room : roomAt(input, () => 0);
  const forGrowth = roomAt(input, ({ unmanagedBytes, doubtedBytes = 0 }) =>
    Math.max(unmanagedBytes, doubtedBytes),
  );
  const takers = input.drivers.filter((driver) => driver.ceilingBytes !== 0);
  const movable = takers.filter((driver) => driver.frozen === null);
  const frozenBytes = sum(takers, (driver) => (driver.frozen === null ? 0 : driver.committedBytes));
  const fill = filling(movable.map(spanOf));
  const shared = fill(room.bytes - frozenBytes);
  const growing = forGrowth.bytes === room.bytes ? shared : fill(forGrowth.bytes - frozenBytes);
  const shrinking = input.pressed ? shared : fill(calm.bytes - frozenBytes);
  const over = sum(takers, (driver) => driver.committedBytes) > calm.bytes;

  let index = 0;
  const budgets = input.drivers.map((driver): Budget => {
    if (driver.ceilingBytes === 0) return follow(driver);
    if (driver.frozen !== null) return keep(driver, driver.frozen);
    const grown = growing.amounts[index] ?? 0;
    const shrunk = shrinking.amounts[index] ?? 0;
    index += 1;
    return budgetOf(driver, { grown, shrunk, over, growthHeld: input.growthHeld });
  });
  return {
    usableBytes: input.usableBytes,
    roomBytes: Math.max(0, room.bytes),
    growthRoomBytes: Math.max(0, forGrowth.bytes),
    boundBy: room.level,
    headroomBytes: room.headroomBytes,
    setAsideBytes: room.setAsideBytes,
    budgets: fitGrowth(input.drivers, budgets, forGrowth.bytes),
    pressed: input.pressed,
    shortBytes: shared.shortBytes,
    shortage: shortageOf(movable, shared.amounts),
  };
}

/**
 * Some keep a little more than their share, within the dead-band or until they are pressed: what is left is
 * shared anew among those that grow. Else the plan would promise what no pass can give.
 */
function fitGrowth(drivers: readonly PlanDriver[], budgets: readonly Budget[], roomBytes: number): Budget[] {
  const growers: PlanDriver[] = [];
  let grownBytes = 0;
  let othersBytes = 0;
  for (const [index, driver] of drivers.entries()) {
    const budget = budgets[index];
    if (budget === undefined || driver.ceilingBytes === 0) continue;
    if (budget.move === 'grow') {
      growers.push(driver);
      grownBytes += Math.max(budget.budgetBytes, driver.committedBytes);
    } else othersBytes += budget.move === 'keep' ? driver.committedBytes : budget.budgetBytes;
  }
  if (growers.length === 0 || grownBytes + othersBytes <= roomBytes) return [...budgets];
  // Where drivers take more than there is, nobody grows, not even into what it holds already.
  const { amounts, shortBytes } = filling(growers.map(spanFromOwn))(roomBytes - othersBytes);
  let at = 0;
  return budgets.map((budget, index) => {
    const driver = drivers[index];
    if (budget.move !== 'grow' || driver === undefined) return budget;
    const bytes = roundDown(Math.min(budget.budgetBytes, amounts[at] ?? 0), driver);
    at += 1;
    if (shortBytes > 0) return keep(driver, 'drivers take more than there is room for');
    if (isGrowth(driver, bytes)) return { ...budget, budgetBytes: bytes };
    return keep(driver, 'what is left of room is within the dead-band');
  });
}

/** Room at the level that has the least of it. */
function roomAt(input: PlanInput, unmanagedOf: (level: PlanLevel) => number) {
  let least = { bytes: Number.POSITIVE_INFINITY, level: 'none', headroomBytes: 0, setAsideBytes: 0 };
  for (const level of input.levels) {
    if (level.limitBytes === 'max') continue;
    const headroom = headroomBytes(level.limitBytes, input.cpus);
    const setAsideBytes = Math.max(input.reserveBytes, unmanagedOf(level));
    const bytes = Math.floor((level.limitBytes - headroom - setAsideBytes) / (input.processes ?? 1));
    if (bytes < least.bytes) least = { bytes, level: level.name, headroomBytes: headroom, setAsideBytes };
  }
  return least.bytes === Number.POSITIVE_INFINITY ? { ...least, bytes: 0 } : least;
}

function spanOf(driver: PlanDriver): Span {
  const floorBytes = driver.floorBytes;
  const highBytes = Math.max(
    floorBytes,
    Math.min(driver.ceilingBytes ?? Number.POSITIVE_INFINITY, driver.maxBytes ?? Number.POSITIVE_INFINITY),
  );
  const lowBytes = Math.min(highBytes, Math.max(floorBytes, driver.minBytes));
  return {
    floorBytes,
    lowBytes,
    highBytes,
    startBytes: Math.min(driver.minBytes, lowBytes),
    weight: driver.weight,
  };
}

/** What it takes now is its floor: a growth that is cut down is no shrink. */
function spanFromOwn(driver: PlanDriver): Span {
  const span = spanOf(driver);
  const own = driver.committedBytes;
  return {
    ...span,
    floorBytes: own,
    lowBytes: Math.max(own, span.lowBytes),
    highBytes: Math.max(own, span.highBytes),
  };
}

interface Targets {
  readonly grown: number;
  readonly shrunk: number;
  readonly over: boolean;
  readonly growthHeld: string | null;
}

function budgetOf(driver: PlanDriver, targets: Targets): Budget {
  const down = roundDown(targets.shrunk, driver);
  if (isShrink(driver, down, targets.over)) {
    // What a driver cannot keep below some size is said before it is asked to go there (D3).
    const reason = withReason(whyLess(driver, down), down > driver.floorBytes ? driver.why.floor : undefined);
    return { driver: driver.name, costBytes: driver.costBytes, budgetBytes: down, move: 'shrink', reason };
  }
  const up = roundDown(targets.grown, driver);
  if (!isGrowth(driver, up)) {
    return keep(driver, up <= driver.costBytes ? whyLess(driver, driver.costBytes) : 'within the dead-band');
  }
  if (targets.growthHeld !== null) return keep(driver, targets.growthHeld);
  const { name, costBytes } = driver;
  return { driver: name, costBytes, budgetBytes: up, move: 'grow', reason: whyLess(driver, up) };
}

/**
 * What a limit demands has no dead-band (S4): room, or the most that it may have, which it exceeds by a whole
 * step. A share that has become a little smaller is no limit.
 */
function isShrink(driver: PlanDriver, bytes: number, over: boolean): boolean {
  const { costBytes, stepBytes } = driver;
  if (over) return costBytes > bytes;
  if (costBytes > spanOf(driver).highBytes) return roundDown(costBytes, driver) > bytes;
  return costBytes > bytes + Math.max(stepBytes, bytes * DEAD_BAND);
}

/** Whether it is worth telling a driver (S4). */
function isGrowth(driver: PlanDriver, bytes: number): boolean {
  return driver.costBytes + Math.max(driver.stepBytes, bytes * DEAD_BAND) < bytes;
}

/** Why a driver is not given more than this. */
function whyLess(driver: PlanDriver, bytes: number): string {
  const near = bytes + driver.stepBytes;
  if (driver.maxBytes !== null && near > driver.maxBytes) return `max ${formatBytes(driver.maxBytes)}`;
  if (driver.ceilingBytes !== null && near > driver.ceilingBytes) {
    return withReason(`ceiling ${formatBytes(driver.ceilingBytes)}`, driver.why.ceiling);
  }
  if (bytes <= driver.floorBytes)
    return `floor ${formatBytes(driver.floorBytes)}${driver.why.floor ? `: ${driver.why.floor}` : ''}`;
  if (bytes <= driver.minBytes) return `min ${formatBytes(driver.minBytes)}`;
  return `its share of the room, weight ${driver.weight}`;
}

function withReason(what: string, why: string | undefined): string {
  return why === undefined ? what : `${what}: ${why}`;
}

/** Down to the driver's step, but never below its floor. */
function roundDown(bytes: number, driver: PlanDriver): number {
  const step = Math.max(1, driver.stepBytes);
  return Math.max(driver.floorBytes, Math.floor(bytes / step) * step);
}

function keep(driver: PlanDriver, reason: string): Budget {
  const { name, costBytes } = driver;
  return { driver: name, costBytes, budgetBytes: costBytes, move: 'keep', reason };
}

function follow(driver: PlanDriver): Budget {
  const move = driver.frozen === null ? 'follow' : 'keep';
  const reason = driver.frozen ?? 'its settings follow memory and take none';
  return { driver: driver.name, costBytes: 0, budgetBytes: 0, move, reason };
}

function shortageOf(drivers: readonly PlanDriver[], amounts: readonly number[]): string[] {
  return drivers.flatMap((driver, index) => {
    const missing = Math.max(driver.floorBytes, driver.minBytes) - (amounts[index] ?? 0);
    return missing > 0 ? [`${driver.name} is ${formatBytes(missing)} short of its minimum`] : [];
  });
}

function sum<Item>(items: readonly Item[], bytesOf: (item: Item) => number): number {
  let total = 0;
  for (const item of items) total += bytesOf(item);
  return total;
}
