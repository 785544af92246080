// memory.limit_in_bytes of cgroup v1. The kernel refuses to lower it below what it can reclaim (EBUSY: "not
// yet"), and keeps limit <= memory+swap limit at all times: lowering moves the limit first, raising the
// memory+swap limit. The swap allowance between the two stays what it was. Source: cgroup-v1/memory.rst,
// sections 2.4 and 3.
import { CONTROL_FILES as FILES } from '../core/control-group.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Limit } from '../core/memory.ts';
import { kernelRefusal, refusalCode } from './kernel-refusal.ts';
import type { LimitReached, LimitRequest } from './limit.ts';
import type { LimitFiles } from './limit-files.ts';

const UNLIMITED = '-1';
const ASK_AGAIN_MS = 50;
// EINTR: a signal came while the kernel was freeing.
const NOT_YET = new Set(['EBUSY', 'EINTR']);

function textOf(limit: Limit): string {
  return limit === 'max' ? UNLIMITED : String(limit);
}

/** The memory+swap limit that belongs to a new limit; `null`: there is none, or nobody has set it. */
function swapLimitFor(
  files: LimitFiles,
  limitBefore: Limit,
  toBytes: Limit,
): { from: Limit; to: Limit } | null {
  const from = files.readIfAny(FILES.v1SwapLimit);
  if (from === null || from === 'max' || limitBefore === 'max') return null;
  return { from, to: toBytes === 'max' ? 'max' : toBytes + Math.max(0, from - limitBefore) };
}

export function limitV1(files: LimitFiles) {
  const read = () => files.read(FILES.v1Limit);
  return {
    read,
    /** Control files that a change writes. */
    writes: [FILES.v1Limit, FILES.v1SwapLimit],

    raise(toBytes: Limit): LimitReached {
      const swap = swapLimitFor(files, read(), toBytes);
      if (swap !== null) files.write(FILES.v1SwapLimit, textOf(swap.to));
      try {
        files.write(FILES.v1Limit, textOf(toBytes));
      } catch (thrown) {
        if (swap !== null) files.tryWrite(FILES.v1SwapLimit, textOf(swap.from));
        throw thrown;
      }
      return { reachedBytes: read(), note: null };
    },

    async lower(toBytes: number, request: LimitRequest): Promise<LimitReached> {
      const before = read();
      const swap = swapLimitFor(files, before, toBytes);
      const untilMs = files.monotonicMs() + request.deadlineMs;
      await writeWhenRoom(files, FILES.v1Limit, { toBytes, before, untilMs, request });
      if (swap === null || swap.to === 'max') return { reachedBytes: read(), note: null };
      try {
        await writeWhenRoom(files, FILES.v1SwapLimit, {
          toBytes: swap.to,
          before: swap.from,
          untilMs,
          request,
        });
        return { reachedBytes: read(), note: null };
      } catch (thrown) {
        return {
          reachedBytes: read(),
          note: `the memory+swap limit stays at ${swap.from}: ${messageOf(thrown)}`,
        };
      }
    },
  };
}

interface Waiting {
  readonly toBytes: number;
  readonly before: Limit;
  readonly untilMs: number;
  readonly request: LimitRequest;
}

/** Writes as soon as the kernel can take it; between two tries, F2 and "nobody else wrote" hold again. */
async function writeWhenRoom(files: LimitFiles, name: string, waiting: Waiting): Promise<void> {
  const { toBytes, before, untilMs, request } = waiting;
  let waitsFor = '';
  for (;;) {
    const inForce = files.read(name);
    if (inForce !== before) {
      throw new HotaddError('HOTADD_OPERATION', `somebody else has written ${name} meanwhile`, {
        place: files.folder,
      });
    }
    try {
      if (files.hasRoom(toBytes, request.headroomBytes)) {
        await files.writeRawSlowly(name, String(toBytes));
        return;
      }
      waitsFor = 'what is in use does not fit the new limit';
    } catch (thrown) {
      if (!NOT_YET.has(refusalCode(thrown) ?? '')) throw kernelRefusal(thrown, `${files.folder}/${name}`);
      waitsFor = 'the kernel cannot free enough for the new limit (EBUSY)';
    }
    if (files.monotonicMs() >= untilMs || request.signal?.aborted) {
      throw new HotaddError('HOTADD_OPERATION', waitsFor, {
        place: `${files.folder}/${name}`,
        mend: 'something in this cgroup holds memory that cannot be reclaimed; see the drivers that stayed',
      });
    }
    await files.pause(ASK_AGAIN_MS, request.signal);
  }
}
