// Memory of so many bytes, for a driver that is asked without a partition.
import type { PhysicalMemory } from '../core/memory.ts';

export function memoryOf(usableBytes: number): PhysicalMemory {
  const level = { name: 'machine', limitBytes: usableBytes, file: 'MemTotal', usedBytes: null };
  return {
    partition: 'machine:check',
    presentBytes: usableBytes,
    onlineBytes: usableBytes,
    usableBytes,
    boundBy: { level: level.name, file: level.file },
    levels: [level],
    hiddenAncestors: false,
    blocks: null,
    nodes: null,
    pressure: null,
    stale: [],
    gone: false,
  };
}
