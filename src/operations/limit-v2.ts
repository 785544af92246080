// memory.max of cgroup v2. Lowering it below use kills at once, so memory.high goes first: it reclaims and
// slows, but never kills. With high in place use is read again, and only then max is written (F2). high is
// put back as it was, whatever happens. Source: cgroup-v2.rst, memory.max and memory.high.
import { CONTROL_FILES as FILES, tighter } from '../core/control-group.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Limit } from '../core/memory.ts';
import type { LimitReached, LimitRequest } from './limit.ts';
import type { LimitFiles } from './limit-files.ts';

export function limitV2(files: LimitFiles) {
  const readHigh = () => files.readIfAny(FILES.high) ?? 'max';
  const read = () => tighter(files.read(FILES.max), readHigh());
  return {
    read,
    /** Control files that a change writes. */
    writes: [FILES.max, FILES.high],

    /** Whichever of the two is below the target moves; nothing is ever lowered here. */
    raise(toBytes: Limit): LimitReached {
      const max = files.read(FILES.max);
      const high = readHigh();
      if (tighter(max, toBytes) !== toBytes) files.write(FILES.max, String(toBytes));
      if (tighter(high, toBytes) !== toBytes) raiseHigh(files, toBytes, max);
      return { reachedBytes: read(), note: null };
    },

    async lower(toBytes: number, request: LimitRequest): Promise<LimitReached> {
      const highBefore = files.readIfAny(FILES.high);
      const maxBefore = files.read(FILES.max);
      const moveHigh = highBefore !== null && tighter(highBefore, toBytes) !== highBefore;
      let highOurs: Limit | null = null;
      try {
        if (moveHigh) {
          // Ours from here on, also when what the kernel made of it cannot be read.
          highOurs = toBytes;
          highOurs = await files.writeSlowly(FILES.high, String(toBytes));
        }
        files.needRoom(toBytes, request.headroomBytes);
        if (files.read(FILES.max) !== maxBefore) {
          throw new HotaddError('HOTADD_OPERATION', 'somebody else has written memory.max meanwhile', {
            place: files.folder,
          });
        }
        await files.writeSlowly(FILES.max, String(toBytes));
      } catch (thrown) {
        putBackHigh(files, highOurs, highBefore);
        throw thrown;
      }
      const note = putBackHigh(files, highOurs, highBefore);
      return { reachedBytes: read(), note };
    },
  };
}

/** Only what is still ours is put back: a value that somebody else has written since stays. */
function putBackHigh(files: LimitFiles, ours: Limit | null, before: Limit | null): string | null {
  if (ours === null) return null;
  try {
    if (files.read(FILES.high) === ours) files.write(FILES.high, String(before));
    return null;
  } catch (thrown) {
    return `memory.high could not be put back to ${before}: ${messageOf(thrown)}`;
  }
}

function raiseHigh(files: LimitFiles, toBytes: Limit, maxBefore: Limit): void {
  try {
    files.write(FILES.high, String(toBytes));
  } catch (thrown) {
    // max binds as before again: a failed raise leaves nothing behind.
    files.tryWrite(FILES.max, String(maxBefore));
    throw thrown;
  }
}
