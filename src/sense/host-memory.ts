// The machine's own part of a reading: MemTotal always, blocks and nodes when something says that they moved.
//
//   MemTotal        read on every reading
//   memory blocks   one block per uevent; all of them when events were lost, and now and then
//   NUMA nodes      when MemTotal differs, an event came, or now and then
import type { Clock } from '../core/clock.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { Level, MemoryBlocks, NodeMemory, StaleReading } from '../core/memory.ts';
import { exists } from './cgroup.ts';
import { MEMINFO, type Meminfo, readMeminfo } from './meminfo.ts';
import { BLOCKS_FOLDER, BlockStates } from './memory-blocks.ts';
import { readNodes } from './nodes.ts';
import { Kept } from './reading.ts';
import { usedOfHost } from './used.ts';

// With uevents a scan only mends what should not happen; without, it is how blocks are seen at all.
const RESCAN_MS = 60_000;
const RESCAN_WITHOUT_UEVENTS_MS = 1_000;

export class HostMemory {
  readonly blocks: BlockStates;
  /** Why there are no uevents; `null`: there are. */
  readonly withoutUevents: string | null;
  readonly #machine: Machine;
  readonly #clock: Clock;
  readonly #onHint: () => void;
  readonly #closeUevents: () => void;
  /**
   * False on systems without /proc and /sys: then the runtime's word for total memory is all there is (S9).
   */
  readonly #linux: boolean;
  readonly #meminfo = new Kept<Meminfo>();
  readonly #nodes = new Kept<NodeMemory[] | null>();
  #lastNodes: NodeMemory[] | null = null;
  #nodesMoved = true;
  #totalAtNodes: number | null = null;
  #totalAtScan: number | null = null;
  #scannedMs = 0;
  #hinting = false;
  #closed = false;

  constructor(machine: Machine, clock: Clock, onHint: () => void) {
    this.#machine = machine;
    this.#clock = clock;
    this.#onHint = onHint;
    this.#linux = exists(machine, '/proc') || exists(machine, '/sys');
    this.blocks = new BlockStates(machine, clock);
    const uevents = machine.uevents(
      (uevent) => {
        this.blocks.take(uevent);
        this.#nodesMoved = true;
        // One that goes is told at once: in the same burst another may come in its place.
        if (uevent.action === 'remove') onHint();
        else this.#hintOnce();
      },
      () => void this.rescan().then(onHint),
    );
    this.withoutUevents = typeof uevents === 'function' ? null : uevents.unavailable;
    this.#closeUevents = typeof uevents === 'function' ? uevents : () => {};
  }

  /** Reads all memory blocks again, in slices. Never rejects: a failure is named in the next reading. */
  async rescan(): Promise<void> {
    this.#scannedMs = this.#clock.monotonicMs();
    this.#nodesMoved = true;
    await this.blocks.scan();
  }

  readMeminfo(stale: StaleReading[]): Meminfo | null {
    const meminfo = this.#meminfo.take(MEMINFO, () => this.#readTotal(), stale);
    if (meminfo !== null) this.#rescanWhenDue(meminfo.totalBytes);
    return meminfo;
  }

  readLevel(meminfo: Meminfo | null): Level {
    return {
      name: 'machine',
      limitBytes: meminfo?.totalBytes ?? null,
      file: this.#linux ? 'MemTotal' : 'os.totalmem()',
      usedBytes: meminfo === null ? null : usedOfHost(meminfo),
    };
  }

  /** F0 of the machine, now. Throws. */
  readUsed(): number | null {
    return usedOfHost(this.#readTotal());
  }

  readBlocks(stale: StaleReading[]): MemoryBlocks | null {
    const memory = this.blocks.memory();
    if (memory !== null && this.blocks.error !== null) {
      stale.push({ reading: BLOCKS_FOLDER, error: this.blocks.error });
    }
    return memory;
  }

  readNodes(totalBytes: number | null, stale: StaleReading[]): NodeMemory[] | null {
    if (!this.#nodesMoved && totalBytes === this.#totalAtNodes) return this.#lastNodes;
    const before = stale.length;
    this.#lastNodes = this.#nodes.takeIfAny('NUMA nodes', () => readNodes(this.#machine), stale);
    this.#nodesMoved = stale.length > before;
    this.#totalAtNodes = totalBytes;
    return this.#lastNodes;
  }

  close(): void {
    this.#closed = true;
    this.#closeUevents();
  }

  /** A module of many blocks is a burst of events: each reads its block, and one hint follows them all. */
  #hintOnce(): void {
    if (this.#hinting) return;
    this.#hinting = true;
    void Promise.resolve().then(() => {
      this.#hinting = false;
      this.#onHint();
    });
  }

  #readTotal(): Meminfo {
    if (this.#linux) return readMeminfo(this.#machine);
    const totalBytes = this.#machine.totalMemoryBytes();
    if (Number.isSafeInteger(totalBytes) && totalBytes > 0) return { totalBytes, availableBytes: null };
    throw new HotaddError('HOTADD_UNREADABLE', 'the runtime does not tell the total memory of this machine');
  }

  /** No timer of its own: whoever reads, polls. */
  #rescanWhenDue(totalBytes: number): void {
    const sinceMs = this.#clock.monotonicMs() - this.#scannedMs;
    const moved = this.withoutUevents !== null && totalBytes !== this.#totalAtScan;
    if (sinceMs < (moved ? RESCAN_WITHOUT_UEVENTS_MS : RESCAN_MS) || this.#closed) return;
    this.#totalAtScan = totalBytes;
    const before = this.blocks.memory();
    void this.rescan().then(() => {
      const after = this.blocks.memory();
      const same = before?.onlineBytes === after?.onlineBytes && before?.offlineBytes === after?.offlineBytes;
      if (!same && !this.#closed) this.#onHint();
    });
  }
}
