// The driver of workers that are exchanged for others when memory changes: threads of Piscina, processes of
// node:cluster, or an author's own. A budget is their number times what each may come to take.
import { formatBytes } from '../core/bytes.ts';
import type { Driver, DriverState, Home, Setting, Target } from '../core/driver.ts';
import { Refusal } from '../core/errors.ts';
import { awake } from './awake.ts';
import { expectGiven, type Wanted } from './worker-options.ts';
import { WorkerSet } from './worker-set.ts';

const COUNT = 'workers';
const BYTES = 'workerBytes';

let instances = 0;
const known = new WeakMap<WorkerSet, string>();

/**
 * A driver for them, to be registered by the process that starts them. Closing it leaves them running.
 * @throws HotaddError HOTADD_BAD_USAGE
 */
export function workers(name: string, set: WorkerSet): Driver {
  const mend = 'give the workers of a PiscinaPool, or what openCluster or openWorkers resolves to';
  expectGiven(`workers ${name}`, set instanceof WorkerSet, 'a WorkerSet', mend);
  return {
    name,
    read: (signal) => readState(set, signal),
    resize: async (target, { signal }) => {
      signal.throwIfAborted();
      const wanted = wantedOf(name, set, target);
      set.want(wanted);
      return settingsOf(wanted.count, wanted.bytes);
    },
    close: async () => set.rest(),
  };
}

async function readState(set: WorkerSet, signal: AbortSignal): Promise<DriverState> {
  const { sizes, move, leastCount, leastBytes, mostBytes } = set;
  const { costBytes } = set;
  const heldBytes = await heldBy(set, signal);
  const why = {
    floor: `${leastCount} of ${formatBytes(leastBytes)}, the least that its author gives it`,
    ...(mostBytes === null
      ? {}
      : { ceiling: `${set.count} of ${formatBytes(mostBytes)}, set by its author` }),
    ...sayHeld(set, heldBytes),
  };
  return {
    costBytes,
    heldBytes,
    floorBytes: leastCount * leastBytes,
    ceilingBytes: mostBytes === null ? null : set.count * mostBytes,
    stepBytes: set.stepBytes,
    why,
    settings: settingsOf(sizes.length, sizes[0] ?? 0, sizes.at(-1)),
    ...(move === null ? {} : { moving: move }),
    instance: instanceOf(set),
    home: homeOf(set),
  };
}

function sayHeld({ failure, leaving, costBytes }: WorkerSet, heldBytes: number | null): { held?: string } {
  if (failure !== null) return { held: failure };
  if (leaving > 0) return { held: `${leaving} of its workers ends its work before it leaves` };
  if (heldBytes === null || heldBytes <= costBytes) return {};
  return { held: 'Buffers of its workers, which the limit of a heap does not bound: give besideHeapBytes' };
}

function wantedOf(name: string, set: WorkerSet, target: Target): Wanted {
  if ('settings' in target) {
    const value = (setting: string) => target.settings.find((one) => one.name === setting)?.value;
    // While they are exchanged there are two sizes, and the smaller one fits where both have fitted.
    const bytes = Number(value(BYTES)?.split(' ', 1)[0] ?? set.leastBytes);
    return { count: Number(value(COUNT) ?? set.leastCount), bytes };
  }
  const floorBytes = set.leastCount * set.leastBytes;
  if (target.bytes < floorBytes) throw new Refusal(`${name} needs ${formatBytes(floorBytes)}`, floorBytes);
  return set.fit(target.bytes);
}

function settingsOf(count: number, leastBytes: number, mostBytes = leastBytes): Setting[] {
  const bytes = leastBytes === mostBytes ? `${leastBytes}` : `${leastBytes} to ${mostBytes}`;
  return [
    { name: COUNT, value: String(count), live: true },
    { name: BYTES, value: bytes, live: true },
  ];
}

/** `null` where one of them cannot tell in time; of processes the kernel tells. */
async function heldBy({ running }: WorkerSet, signal: AbortSignal): Promise<number | null> {
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
    if (signal.aborted) resolve(null);
  });
  const heaps = Promise.all(running.map(async (worker) => (await worker.heap?.())?.heldBytes ?? null));
  const held = await awake(Promise.race([heaps.catch(() => null), aborted]));
  return held === null || held.includes(null)
    ? null
    : held.reduce<number>((total, one) => total + (one ?? 0), 0);
}

function homeOf({ running }: WorkerSet): Home {
  const pids = running.flatMap(({ pid }) => pid ?? []);
  return pids.length === 0 ? 'self' : { pids };
}

function instanceOf(set: WorkerSet): string {
  const instance = known.get(set);
  if (instance !== undefined) return instance;
  instances += 1;
  known.set(set, `in this process, ${instances}`);
  return instanceOf(set);
}
