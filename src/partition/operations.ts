// The operation that fits a partition: the limit of its cgroup, or the memory blocks of the machine.
import type { Clock } from '../core/clock.ts';
import type { ControlGroup } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { PlannedRequest } from '../core/operation.ts';
import type { OnlineWord } from '../operations/block-state.ts';
import { limitOperation } from '../operations/limit.ts';
import { memoryBlocksOperation } from '../operations/memory-blocks.ts';
import type { Sensor } from '../sense/sensor.ts';
import type { Journal } from './journal.ts';

export interface OperationParts {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sensor: Sensor;
  readonly journal: Pick<Journal, 'blocks'>;
  readonly onlineWord: OnlineWord | null;
  /** How many processes share the partition. */
  readonly processes: number;
}

const FORGETFUL = { took: () => Promise.resolve(), gave: () => Promise.resolve() };

export class Operations {
  readonly #parts: OperationParts;

  constructor(parts: OperationParts) {
    this.#parts = parts;
  }

  /** A planned change of the partition to so many bytes. */
  planned(toBytes: number): PlannedRequest {
    const { processes, sensor } = this.#parts;
    // The others would not be told `start`: no shrink could be proven before the limit moves.
    if (processes > 1) {
      const mend = 'move the limit itself: each process hears of it, and follows';
      throw new HotaddError('HOTADD_UNSUPPORTED', `${processes} processes share this partition`, { mend });
    }
    const { controlGroup } = sensor;
    return controlGroup === null ? this.#blocks(toBytes) : this.#limit(toBytes, controlGroup);
  }

  #limit(toBytes: number, controlGroup: ControlGroup): PlannedRequest {
    const { machine, clock, sensor } = this.#parts;
    const readUsedBytes = () => sensor.readUsed();
    const limit = limitOperation({ machine, clock, controlGroup, readUsedBytes });
    const file = controlGroup.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    const name = `${file} of ${controlGroup.path}`;
    return { toBytes, operation: { name, ...limit }, cause: name };
  }

  #blocks(toBytes: number): PlannedRequest {
    const { machine, clock, sensor, journal, onlineWord } = this.#parts;
    const operation = memoryBlocksOperation({
      machine,
      clock,
      record: journal.blocks ?? FORGETFUL,
      onlineWord,
      readBlocks: async () => {
        await sensor.rescan();
        return sensor.memoryBlocks();
      },
      readTotalBytes: () => readTotal(sensor),
      readUsedBytes: () => sensor.readUsed(),
    });
    return { toBytes, operation, cause: 'memory blocks' };
  }
}

/** MemTotal at this moment: a last known value would not do for memory that is being taken away. */
function readTotal(sensor: Sensor): number {
  const { levels, onlineBytes, stale } = sensor.read();
  const machine = levels.at(-1);
  if (
    onlineBytes !== null &&
    machine !== undefined &&
    !stale.some(({ reading }) => reading === '/proc/meminfo')
  )
    return onlineBytes;
  throw new HotaddError('HOTADD_UNREADABLE', 'MemTotal cannot be read', { place: '/proc/meminfo' });
}
