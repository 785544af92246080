// How much memory a partition has, now. Joins the sources: cgroup levels from the own one up, the machine,
// blocks, nodes, pressure. read() asks the kernel each time; only memory blocks and nodes are kept, by event
// and by scan (host-memory.ts). What could not be read keeps its last known value and is named in `stale`
// (S2).
import type { Clock } from '../core/clock.ts';
import type { ControlGroup } from '../core/control-group.ts';
import { messageOf } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { type Level, type PhysicalMemory, type StaleReading, usableOf } from '../core/memory.ts';
import { filesToWatch, Hints } from './hints.ts';
import { HostMemory } from './host-memory.ts';
import { type LevelReader, levelReader, withHiddenLimit } from './levels.ts';
import { onlineCommand } from './memory-blocks.ts';
import type { PartitionName } from './partition-name.ts';
import { type PartitionPlace, resolvePartition } from './partition-place.ts';
import { pressureReader } from './pressure.ts';
import { isGone } from './reading.ts';

export interface Sensor {
  /** `machine:<machine-id>`, `cgroup:<path>@<inode>`, `unit:<name>`. */
  readonly identity: string;
  /** `null`: the kernel does not say. */
  readonly bootId: string | null;
  readonly cpus: number;
  /** For `pid:N`: the process whose cgroup this is. */
  readonly process: { readonly pid: number; readonly startTime: string } | null;
  /** The own cgroup, for the operation of a planned change; `null`: the partition is the machine. */
  readonly controlGroup: ControlGroup | null;
  /** Limit files of the own and every visible level above. */
  readonly limitFiles: readonly string[];
  /** Why some hint cannot be had; the poll covers it. */
  readonly hintsMissing: readonly string[];
  /** The present, from the kernel. Never throws. */
  read(): PhysicalMemory;
  /**
   * Real use of the own level only (F0), for the fast loop of a planned shrink; `null`: could not be read.
   */
  readUsed(): number | null;
  /** Calls back when something may have moved. @returns a function that ends it. */
  onHint(callback: () => void): () => void;
  /** Memory that is there and not online, with the command that would bring it online (S5). */
  offlineBlocks(): { readonly blocks: readonly number[]; readonly command: string | null };
  /** Blocks that appeared offline and have not been online since: nobody took them. */
  addedBlocks(): readonly number[];
  /** Whether the machine has this block, in any state. */
  hasBlock(block: number): boolean;
  /** All blocks by number, as last read; `null`: the machine has none. */
  memoryBlocks(): { sizeBytes: number; online: readonly number[]; offline: readonly number[] } | null;
  /** Reads all memory blocks again, for before and after an operation on them. */
  rescan(): Promise<void>;
  close(): void;
}

/** @throws HotaddError HOTADD_NO_PARTITION or HOTADD_GONE when the partition is not on this machine. */
export async function openSensor(options: {
  machine: Machine;
  clock: Clock;
  partition: PartitionName;
}): Promise<Sensor> {
  const place = resolvePartition(options.machine, options.partition);
  const sensor = new KernelSensor(options.machine, options.clock, place);
  await sensor.rescan();
  return sensor;
}

class KernelSensor implements Sensor {
  readonly identity: string;
  readonly bootId: string | null;
  readonly cpus: number;
  readonly process: PartitionPlace['process'];
  readonly controlGroup: ControlGroup | null;
  readonly limitFiles: readonly string[];
  readonly hintsMissing: readonly string[];
  readonly #machine: Machine;
  readonly #place: PartitionPlace;
  readonly #levels: readonly LevelReader[];
  readonly #host: HostMemory;
  readonly #hints: Hints;
  readonly #readPressure: ReturnType<typeof pressureReader>;
  /** The lowest level that counts memory; set by each reading. */
  #own: LevelReader | null;
  #last: PhysicalMemory | null = null;
  #gone = false;

  constructor(machine: Machine, clock: Clock, place: PartitionPlace) {
    this.#machine = machine;
    this.#place = place;
    this.identity = place.identity;
    this.bootId = place.bootId;
    this.cpus = machine.cpus;
    this.process = place.process;
    this.controlGroup = place.group;
    this.#levels = (place.group?.visible ?? []).map((group) => levelReader(machine, group));
    this.#own = this.#levels[0] ?? null;
    this.limitFiles = this.#levels.flatMap((level) => level.limitFiles);
    this.#hints = new Hints(machine, filesToWatch(place.group, this.limitFiles));
    this.#host = new HostMemory(machine, clock, () => this.#hints.emit());
    this.#readPressure = pressureReader(machine, place.group);
    this.hintsMissing = missingHints(place, this.#host.withoutUevents);
  }

  read(): PhysicalMemory {
    const stale: StaleReading[] = [];
    const cgroupLevels = this.#readLevels(stale);
    const meminfo = this.#host.readMeminfo(stale);
    const levels = [...cgroupLevels, this.#host.readLevel(meminfo)];
    const usable = usableOf(levels);
    const pressure = this.#readPressure(stale);
    const blocks = this.#host.readBlocks(stale);
    const nodes = this.#host.readNodes(meminfo?.totalBytes ?? null, stale);
    // Asked last: what was read from a cgroup that is gone by now counts for nothing.
    if (this.#isGone(stale)) return this.#readGone();
    this.#last = {
      partition: this.identity,
      presentBytes: blocks === null ? null : blocks.onlineBytes + blocks.offlineBytes,
      onlineBytes: meminfo?.totalBytes ?? null,
      usableBytes: usable?.bytes ?? null,
      boundBy: usable?.boundBy ?? null,
      levels,
      hiddenAncestors: this.#place.hiddenAncestors,
      blocks,
      nodes,
      pressure,
      stale,
      gone: false,
    };
    return this.#last;
  }

  readUsed(): number | null {
    if (this.#gone) return null;
    try {
      return this.#own === null ? this.#host.readUsed() : this.#own.readUsed();
    } catch {
      return null;
    }
  }

  onHint(callback: () => void): () => void {
    return this.#hints.add(callback);
  }

  offlineBlocks(): { readonly blocks: readonly number[]; readonly command: string | null } {
    const blocks = this.#host.blocks.offline();
    return { blocks, command: onlineCommand(blocks) };
  }

  addedBlocks(): readonly number[] {
    return this.#host.blocks.added();
  }

  hasBlock(block: number): boolean {
    return this.#host.blocks.has(block);
  }

  memoryBlocks(): { sizeBytes: number; online: readonly number[]; offline: readonly number[] } | null {
    const { blocks } = this.#host;
    const memory = blocks.memory();
    if (memory === null) return null;
    return { sizeBytes: memory.sizeBytes, online: blocks.online(), offline: blocks.offline() };
  }

  rescan(): Promise<void> {
    return this.#host.rescan();
  }

  close(): void {
    this.#hints.close();
    this.#host.close();
  }

  #readLevels(stale: StaleReading[]): readonly Level[] {
    const levels: Level[] = [];
    this.#own = null;
    for (const reader of this.#levels) {
      const level = reader.read(stale);
      if (level === null) continue;
      this.#own ??= reader;
      levels.push(level);
    }
    return withHiddenLimit(levels, this.#own?.hierarchicalBytes ?? null);
  }

  /** Once gone, gone for good: a cgroup that is made again at the path is another partition. */
  #isGone(stale: StaleReading[]): boolean {
    const { group, groupInode } = this.#place;
    if (group === null || this.#gone) return this.#gone;
    try {
      this.#gone = this.#machine.inode(group.folder) !== groupInode;
    } catch (thrown) {
      if (isGone(thrown)) this.#gone = true;
      else stale.push({ reading: group.folder, error: messageOf(thrown) });
    }
    return this.#gone;
  }

  /** The last known memory, marked. */
  #readGone(): PhysicalMemory {
    const last = this.#last ?? {
      partition: this.identity,
      presentBytes: null,
      onlineBytes: null,
      usableBytes: null,
      boundBy: null,
      levels: [],
      hiddenAncestors: this.#place.hiddenAncestors,
      blocks: null,
      nodes: null,
      pressure: null,
      stale: [],
      gone: true,
    };
    return { ...last, stale: [], gone: true };
  }
}

function missingHints(place: PartitionPlace, withoutUevents: string | null): string[] {
  const missing = withoutUevents === null ? [] : [withoutUevents];
  if (place.hiddenAncestors)
    missing.push('limits above this container cannot be seen: usable is an upper bound');
  return missing;
}
