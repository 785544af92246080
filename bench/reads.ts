// Which files one reading of a partition's memory reads: noted from a real one, so that what is compared
// with it does the same reads by construction.
import { clockOs } from '../src/host/clock-os.ts';
import { machineOs } from '../src/host/machine-os.ts';
import { parsePartitionName } from '../src/sense/partition-name.ts';
import { openSensor } from '../src/sense/sensor.ts';

export interface Reads {
  readonly files: readonly string[];
  /** Whose inode is asked for. */
  readonly folders: readonly string[];
}

export async function readsOf(partition: string): Promise<Reads> {
  const real = machineOs();
  const files: string[] = [];
  const folders: string[] = [];
  const machine: typeof real = {
    ...real,
    readText: (path) => {
      files.push(path);
      return real.readText(path);
    },
    inode: (path) => {
      folders.push(path);
      return real.inode(path);
    },
  };
  const sensor = await openSensor({ machine, clock: clockOs(), partition: parsePartitionName(partition) });
  // The first reading also reads what is read only when something moves.
  sensor.read();
  files.length = 0;
  folders.length = 0;
  sensor.read();
  sensor.close();
  return { files, folders };
}
