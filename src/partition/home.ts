// Where a driver's memory is counted (D5): its own word for what it holds is completed by what the kernel
// counts for its processes, and its ceiling is also the limit of the cgroup it lives in.
import { formatBytes } from '../core/bytes.ts';
import type { Driver, DriverState } from '../core/driver.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { StaleReading } from '../core/memory.ts';
import { pathBelow } from '../sense/cgroup.ts';
import { type LevelReader, levelReader } from '../sense/levels.ts';
import { type PartitionPlace, resolvePartition } from '../sense/partition-place.ts';
import { readHeld } from '../sense/process.ts';

/** A driver as the partition sees it. Its calls go through unchanged; what it reads is completed. */
export function atHome(driver: Driver, machine: Machine, partitionPath: string | null): Driver {
  const homes = new Map<string, readonly LevelReader[]>();
  const levelsOf = (state: DriverState): readonly LevelReader[] => {
    const key = JSON.stringify([state.home, state.instance]);
    const known = homes.get(key);
    if (known !== undefined) return known;
    homes.clear();
    const found = findHome(driver.name, state, { machine, partitionPath });
    homes.set(key, found);
    return found;
  };
  const completed: Driver = {
    name: driver.name,
    read: async (signal) => {
      const state = await driver.read(signal);
      return state.home === 'self' ? state : complete(state, levelsOf(state), machine);
    },
    resize: (target, context) => driver.resize(target, context),
  };
  if (driver.ended !== undefined) completed.ended = (outcome) => driver.ended?.(outcome) ?? Promise.resolve();
  if (driver.persist !== undefined) completed.persist = () => driver.persist?.() ?? Promise.resolve();
  if (driver.close !== undefined) completed.close = () => driver.close?.() ?? Promise.resolve();
  return completed;
}

interface Surroundings {
  readonly machine: Machine;
  readonly partitionPath: string | null;
}

/**
 * The cgroups between the driver's own and the partition's: their limits are not the partition's, but bind
 * the driver.
 */
function findHome(
  driver: string,
  { home }: DriverState,
  { machine, partitionPath }: Surroundings,
): LevelReader[] {
  if (home === 'self') return [];
  if (home === 'elsewhere') throw elsewhere(driver, 'its process cannot be found on this machine');
  const group = placeOf(driver, home, machine).group;
  if (group === null) return [];
  const inside = partitionPath === null || pathBelow(partitionPath, group.path) !== null;
  if (!inside) throw elsewhere(driver, `its cgroup ${group.path} is not in ${partitionPath}`);
  const nested = group.visible.filter(
    ({ path }) => partitionPath === null || (pathBelow(partitionPath, path) ?? []).length > 0,
  );
  return nested.map((below) => levelReader(machine, below));
}

function placeOf(
  driver: string,
  home: Exclude<DriverState['home'], string>,
  machine: Machine,
): PartitionPlace {
  try {
    if ('cgroup' in home) return resolvePartition(machine, { kind: 'cgroup', path: home.cgroup });
    const [pid] = home.pids;
    return resolvePartition(machine, { kind: 'pid', pid: pid ?? 0 });
  } catch (error) {
    throw elsewhere(driver, 'its process cannot be found on this machine', error);
  }
}

function elsewhere(driver: string, problem: string, cause?: unknown): HotaddError {
  return new HotaddError('HOTADD_BAD_DRIVER', problem, {
    place: driver,
    mend: "name its cgroup with the driver's key cgroup, or run the agent for the partition it is in",
    ...(cause === undefined ? {} : { cause }),
  });
}

function complete(state: DriverState, levels: readonly LevelReader[], machine: Machine): DriverState {
  const counted = heldByProcesses(state, machine);
  const heldBytes = counted === null ? state.heldBytes : Math.max(counted, state.heldBytes ?? 0);
  const nested = tightest(levels);
  if (nested === null || (state.ceilingBytes !== null && state.ceilingBytes <= nested.bytes))
    return { ...state, heldBytes };
  const why = { ...state.why, ceiling: `${nested.name} has a limit of ${formatBytes(nested.bytes)}` };
  return { ...state, heldBytes, ceilingBytes: nested.bytes, why };
}

/** RSS + swap (F0); `null` where the kernel does not say. */
function heldByProcesses({ home }: DriverState, machine: Machine): number | null {
  if (typeof home === 'string' || 'cgroup' in home) return null;
  let total: number | null = null;
  for (const pid of home.pids) {
    try {
      const held = readHeld(machine, pid);
      if (held !== null) total = (total ?? 0) + held;
    } catch {
      // The process has just ended: what the server said of itself stands.
    }
  }
  return total;
}

function tightest(levels: readonly LevelReader[]): { name: string; bytes: number } | null {
  const stale: StaleReading[] = [];
  let least: { name: string; bytes: number } | null = null;
  for (const level of levels) {
    const limit = level.read(stale)?.limitBytes;
    if (typeof limit === 'number' && (least === null || limit < least.bytes))
      least = { name: level.group.path, bytes: limit };
  }
  return least;
}
