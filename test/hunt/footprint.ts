// What this process takes, after the garbage is collected.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Footprint {
  /** Resident, as the kernel counts, but for what V8 keeps for its heap: that varies with its youth. */
  readonly residentBytes: number;
  /** In use on the V8 heap. */
  readonly heapBytes: number;
}

const COLLECTIONS = 3;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export async function footprint(): Promise<Footprint> {
  for (let time = 0; time < COLLECTIONS; time += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return { residentBytes: rss - heapTotal, heapBytes: heapUsed };
}
