// One cgroup level: its limit, which file says so, and its real use. A level is read again on every reading.
import { type ControlGroup, CONTROL_FILES as FILES, limitOf, parseLimit } from '../core/control-group.ts';
import type { Machine } from '../core/machine.ts';
import type { Level, Limit, StaleReading } from '../core/memory.ts';
import { numberOf } from './keyed-text.ts';
import { isGone, Kept } from './reading.ts';
import { readUsedV1, readUsedV2 } from './used.ts';

/** What a level's file says when a hidden ancestor binds (v1). */
export const HIERARCHICAL = 'hierarchical_memory_limit';

export interface LevelReader {
  readonly group: ControlGroup;
  /** Files whose writing changes the limit of this level. */
  readonly limitFiles: readonly string[];
  /** `null`: there is no memory controller at this level, so it neither limits nor counts. */
  read(stale: StaleReading[]): Level | null;
  /** F0 at this level, now. Throws. */
  readUsed(): number;
  /** v1, after `read`: the tightest limit from here up, hidden ancestors included. */
  readonly hierarchicalBytes: Limit | null;
}

export function levelReader(machine: Machine, group: ControlGroup): LevelReader {
  return group.version === 2 ? levelReaderV2(machine, group) : levelReaderV1(machine, group);
}

function levelReaderV2(machine: Machine, group: ControlGroup): LevelReader {
  const { folder } = group;
  const maxFile = `${folder}/${FILES.max}`;
  const highFile = `${folder}/${FILES.high}`;
  const max = new Kept<Limit | null>();
  const high = new Kept<Limit>();
  const used = new Kept<number>();
  // A level gets the controller, and with it these files, when somebody limits it for the first time
  // (cgroup.subtree_control). Until then no limit exists there; that is an answer, not a failure.
  const limitOrNone = (file: string) => {
    try {
      return parseLimit(machine.readText(file), file);
    } catch (thrown) {
      if (isGone(thrown)) return null;
      throw thrown;
    }
  };
  const read = (stale: StaleReading[]): Level | null => {
    const before = stale.length;
    const maxBytes = max.take(maxFile, () => limitOrNone(maxFile), stale);
    if (maxBytes === null && stale.length === before) return null;
    const highBytes = high.take(highFile, () => limitOrNone(highFile) ?? 'max', stale);
    const usedBytes = used.take(`${folder}/${FILES.stat}`, () => readUsedV2(machine, folder), stale);
    const highBinds =
      highBytes !== null && highBytes !== 'max' && (maxBytes === 'max' || highBytes < (maxBytes ?? 0));
    const known = maxBytes !== null && highBytes !== null;
    return {
      name: group.path,
      limitBytes: known ? (highBinds ? highBytes : maxBytes) : null,
      file: highBinds ? FILES.high : FILES.max,
      usedBytes,
    };
  };
  return {
    group,
    limitFiles: [maxFile, highFile],
    read,
    readUsed: () => readUsedV2(machine, folder),
    hierarchicalBytes: null,
  };
}

function levelReaderV1(machine: Machine, group: ControlGroup): LevelReader {
  const { folder } = group;
  const limitFile = `${folder}/${FILES.v1Limit}`;
  const limit = new Kept<Limit>();
  const used = new Kept<number>();
  let hierarchical: Limit | null = null;
  const readUsed = () => {
    const { bytes, stat } = readUsedV1(machine, folder);
    const whole = numberOf(stat, HIERARCHICAL);
    hierarchical = whole === null ? null : limitOf(whole);
    return bytes;
  };
  return {
    group,
    limitFiles: [limitFile],
    read: (stale) => ({
      name: group.path,
      limitBytes: limit.take(limitFile, () => parseLimit(machine.readText(limitFile), limitFile), stale),
      file: FILES.v1Limit,
      usedBytes: used.take(`${folder}/${FILES.stat}`, readUsed, stale),
    }),
    readUsed,
    get hierarchicalBytes() {
      return hierarchical;
    },
  };
}

/**
 * v1 tells the tightest limit from the own cgroup up, also of ancestors that cannot be seen from here. What
 * is tighter than every visible limit is such an ancestor's, and is told at the highest visible level.
 */
export function withHiddenLimit(levels: readonly Level[], hierarchical: Limit | null): readonly Level[] {
  if (hierarchical === null || hierarchical === 'max') return levels;
  for (const { limitBytes } of levels) {
    if (limitBytes === null || (limitBytes !== 'max' && limitBytes <= hierarchical)) return levels;
  }
  return levels.map((level, index) =>
    index === levels.length - 1 ? { ...level, limitBytes: hierarchical, file: HIERARCHICAL } : level,
  );
}
