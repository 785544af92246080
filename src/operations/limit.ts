// The operation of a planned change on a cgroup: writes its limit, when and only when F2 holds.
//
//   is the limit the expected one? -> is there room (used + headroom <= target)? -> write -> read back
//
// The kernel kills inside the write when a v2 limit falls below use, before anybody can react; so each
// version has its own careful order (limit-v2.ts, limit-v1.ts). Nobody is killed by a raise.

import { formatBytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { ControlGroup } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { Limit } from '../core/memory.ts';
import type { Reachable } from '../core/operation.ts';
import { LimitFiles } from './limit-files.ts';
import { limitV1 } from './limit-v1.ts';
import { limitV2 } from './limit-v2.ts';

export interface LimitOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly controlGroup: ControlGroup;
  /** Real use of the cgroup now (F0): the sensor's readUsed; `null`: could not be read. */
  readUsedBytes(): number | null;
}

export interface LimitRequest {
  /**
   * The limit that the plan was made for. Another one in force means that somebody else wrote: nothing is
   * done.
   */
  readonly expectBytes: Limit;
  /** Bytes to keep free below the new limit (F2). */
  readonly headroomBytes: number;
  /** How long v1's "not yet" (EBUSY) is asked again. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface LimitReached {
  /** The limit in force, as read back; the kernel rounds down to whole pages. */
  readonly reachedBytes: Limit;
  /** What went otherwise than asked, for people. */
  readonly note: string | null;
}

export interface LimitOperation {
  /**
   * Any amount can be had where the files may be written. Rejects with HOTADD_MISSING_RIGHT where they may
   * not; HOTADD_GONE is told by `read`.
   */
  reachable(toBytes: number): Promise<Reachable>;
  /** The limit in force at this level: the tighter of memory.max and memory.high. @throws HotaddError */
  read(): Limit;
  /**
   * @throws HotaddError HOTADD_OPERATION when it was overtaken, there is no room, or the kernel refuses;
   * HOTADD_MISSING_RIGHT; HOTADD_UNREADABLE; HOTADD_GONE. After a throw the limits are as before.
   */
  operate(toBytes: Limit, request: LimitRequest): Promise<LimitReached>;
}

export function limitOperation(options: LimitOptions): LimitOperation {
  const files = new LimitFiles(options);
  const version = options.controlGroup.version === 2 ? limitV2(files) : limitV1(files);
  return {
    reachable: async (toBytes) => {
      for (const name of version.writes) files.needRight(name);
      return { toBytes, note: null };
    },
    read: () => version.read(),
    operate: async (toBytes, request) => {
      const inForce = version.read();
      if (inForce !== request.expectBytes) {
        throw new HotaddError(
          'HOTADD_OPERATION',
          `the limit is ${wordOf(inForce)}, not ${wordOf(request.expectBytes)}: somebody else has written it`,
          { place: options.controlGroup.folder, mend: 'plan again from what is' },
        );
      }
      if (toBytes === inForce) return { reachedBytes: inForce, note: null };
      const lowers = toBytes !== 'max' && (inForce === 'max' || toBytes < inForce);
      if (!lowers) return version.raise(toBytes);
      files.needRoom(toBytes, request.headroomBytes);
      return version.lower(toBytes, request);
    },
  };
}

function wordOf(limit: Limit): string {
  return limit === 'max' ? 'max' : formatBytes(limit);
}
