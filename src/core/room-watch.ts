// The proof of room for a planned shrink (F2): real use is looked at all the while, from the start until the
// operation. The same look sees a newer fact: memory that is not what it was when the change began.
import { formatBytes } from './bytes.ts';
import { HotaddError } from './errors.ts';
import { headroomBytes, type PhysicalMemory } from './memory.ts';
import type { Running } from './planned.ts';
import { HOLD_MS } from './prove.ts';
import type { Round } from './round.ts';

const LOOK_MS = 100;
/**
 * How long use may take to fall once every driver has answered; writeback and freed pages settle in this
 * time.
 */
const SETTLE_MS = 5_000;
/**
 * Room that has been proven for this long: drivers that do not come nearer to their own proof are not waited
 * for.
 */
const ENOUGH_MS = 5_000;

export interface RoomWatch {
  /** Resolves when F2 has held for the hold; rejects when it cannot be had. */
  readonly proven: Promise<void>;
  holds(): boolean;
  /** All drivers have answered: from now on waiting is bounded by the deadline. */
  answered(): void;
  stop(): void;
}

/** Begins to look; `proven` settles once all drivers have answered. */
export function watchRoom(running: Running, round: Round): RoomWatch {
  const { clock, cpus, sense } = running.notifier.seams;
  const { toBytes } = running.request;
  const needBytes = headroomBytes(toBytes, cpus);
  let heldSinceMs: number | null = null;
  let answeredAtMs: number | null = null;
  let cancel = () => {};
  const heldFor = (ms: number) => heldSinceMs !== null && clock.monotonicMs() - heldSinceMs >= ms;
  // Where nobody had to move there is nothing whose effect must last.
  const holds = () => heldFor(running.told.size > 0 ? HOLD_MS : 0);
  const proven = new Promise<void>((resolve, reject) => {
    const look = () => {
      const memory = sense();
      const usedBytes = memory.levels[0]?.usedBytes ?? null;
      const nowMs = clock.monotonicMs();
      heldSinceMs = usedBytes !== null && usedBytes + needBytes <= toBytes ? (heldSinceMs ?? nowMs) : null;
      if (heldFor(ENOUGH_MS)) round.enough = true;
      const overtaken = running.notifier.overtakenBy ?? newerFact(memory, running);
      if (overtaken !== null) {
        round.overtaken = true;
        return reject(new HotaddError('HOTADD_OPERATION', `overtaken by a newer fact: ${overtaken}`));
      }
      if (answeredAtMs !== null) {
        if (holds()) return resolve();
        const late = heldSinceMs === null && nowMs - answeredAtMs >= SETTLE_MS;
        if (late) return reject(noProof(running, usedBytes, needBytes));
      }
      cancel = clock.after(LOOK_MS, look);
    };
    look();
  });
  // Met by whoever awaits it; until then a rejection is not unhandled.
  proven.catch(() => undefined);
  return {
    proven,
    holds,
    answered: () => {
      answeredAtMs = clock.monotonicMs();
    },
    stop: () => cancel(),
  };
}

function newerFact(memory: PhysicalMemory, { request, ownBefore, change }: Running): string | null {
  if (memory.gone) return 'the partition is gone';
  if (memory.stale.length > 0) return null;
  const own = memory.levels[0]?.limitBytes ?? null;
  if (own !== null && own !== ownBefore) {
    return `${request.operation.name} is ${own === 'max' ? 'max' : formatBytes(own)} now`;
  }
  const { usableBytes } = memory;
  if (usableBytes === null || usableBytes >= change.fromBytes) return null;
  return `usable memory is ${formatBytes(usableBytes)} now`;
}

function noProof(running: Running, usedBytes: number | null, needBytes: number): HotaddError {
  const used = usedBytes === null ? 'not known' : formatBytes(usedBytes);
  const to = formatBytes(running.request.toBytes);
  const held = running.answers.flatMap(({ driver, proven, heldAfterBytes, budgetBytes }) =>
    proven || heldAfterBytes === null
      ? []
      : [`${driver} holds ${formatBytes(heldAfterBytes)} where ${formatBytes(budgetBytes)} was asked`],
  );
  const problem = `no room is proven: used ${used} + headroom ${formatBytes(needBytes)} is more than ${to}`;
  return new HotaddError('HOTADD_OPERATION', [problem, ...held].join('; '));
}
