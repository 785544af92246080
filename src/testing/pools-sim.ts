// The system pools of a simulated partition: paged and nonpaged. Their sizes are made from the memory that is
// there when the operating system starts, and stay until it starts again, however much is added (N9). Source:
// "Changes to the Amount of Physical Memory" (Windows drivers).

const GiB = 1024 ** 3;
/** Of the memory at start. Source: "Memory Limits for Windows Releases", Server 2008 R2. */
const NONPAGED_SHARE = 0.75;
const MOST_BYTES = 128 * GiB;

/** A system pool of Windows. */
export type PoolName = 'paged' | 'nonpaged';

/**
 * A system pool, sized when the partition started (N9). What is in use of it is memory of the partition.
 */
export class PoolSim {
  /** Which one it is. */
  readonly name: PoolName;
  /** Fixed from start. */
  readonly sizeBytes: number;
  /** In use of it now. */
  usedBytes = 0;
  readonly #onMoved: () => void;

  /** @internal Of the server, or of production code. */
  constructor(name: PoolName, bytesAtStart: number, onMoved: () => void = () => {}) {
    this.name = name;
    this.sizeBytes = poolBytes(name, bytesAtStart);
    this.#onMoved = onMoved;
  }

  /** Takes from the pool; false: it is full, and then no memory that was added since helps. */
  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.sizeBytes) return false;
    this.usedBytes += bytes;
    this.#onMoved();
    return true;
  }

  /** Gives back to the pool. */
  give(bytes: number): void {
    this.usedBytes = Math.max(0, this.usedBytes - bytes);
    this.#onMoved();
  }

  /** How much larger it would be, had the system been started with so much memory. */
  shortBytes(onlineBytes: number): number {
    return Math.max(0, poolBytes(this.name, onlineBytes) - this.sizeBytes);
  }
}

/** The size of a pool of a system that starts with so much memory. */
function poolBytes(name: PoolName, onlineBytes: number): number {
  const share = name === 'nonpaged' ? NONPAGED_SHARE : 1;
  return Math.min(MOST_BYTES, Math.floor(onlineBytes * share));
}
