// The memory manager of a simulated system: blocks of memory, online or not, each on a node and in a zone. It
// counts in O(1) what the kernel tells of itself, so that a machine may have tens of thousands of blocks.

/** The zone of a block that is online: `none` is one that never goes offline. */
export type ZoneSim = 'none' | 'DMA32' | 'Normal' | 'Movable';

export type BlockStateSim = 'online' | 'going-offline' | 'offline';

export interface BlockSim {
  state: BlockStateSim;
  zone: ZoneSim;
  readonly node: number;
}

/** The blocks that one module fills. */
export interface RangeSim {
  /** Their numbers. */
  readonly blocks: readonly number[];
}

/** What the kernel counts on one node, in bytes. */
export interface NodeSim {
  onlineBytes: number;
  movableBytes: number;
}

export interface MemorySimOptions {
  readonly blockBytes: number;
  /** Blocks there at boot, by node. */
  readonly boot: readonly { readonly blocks: number; readonly node: number }[];
  /** Only this many blocks have an address: ranges are declared at boot (N6). */
  readonly mostBlocks: number;
}

export class MemorySim {
  readonly blockBytes: number;
  readonly blocks = new Map<number, BlockSim>();
  readonly nodes = new Map<number, NodeSim>();
  /** A node has its first memory. */
  onNode: ((node: number) => void) | null = null;
  /** More or less is online than before. */
  onMoved: (() => void) | null = null;
  readonly #mostBlocks: number;
  #online = 0;
  /** All above is free, up to the most; below only what was given back. */
  #top: number;
  /** Added since boot, and still there. */
  readonly #ranges = new Set<RangeSim>();
  readonly #gaps: { first: number; count: number }[] = [];

  constructor({ blockBytes, boot, mostBlocks }: MemorySimOptions) {
    this.blockBytes = blockBytes;
    this.#mostBlocks = mostBlocks;
    let block = 0;
    for (const { blocks, node } of boot) {
      for (let count = 0; count < blocks; count += 1) {
        // The first block spans zones, as on a PC.
        this.blocks.set(block, { state: 'offline', zone: block === 0 ? 'none' : 'Normal', node });
        this.setState(block, 'online');
        block += 1;
      }
    }
    this.#top = block;
  }

  /** Memory that the system manages now; what goes offline is still there until it is. */
  get onlineBytes(): number {
    return this.#online * this.blockBytes;
  }

  get presentBytes(): number {
    return this.blocks.size * this.blockBytes;
  }

  /** Room in the ranges declared at boot, in bytes. */
  get declaredFreeBytes(): number {
    return (this.#mostBlocks - this.blocks.size) * this.blockBytes;
  }

  /** Whether so much has addresses in one piece: what is free in pieces takes no larger module. */
  hasRange(bytes: number): boolean {
    const count = Math.floor(bytes / this.blockBytes);
    return this.#gaps.some((free) => free.count >= count) || this.#top + count <= this.#mostBlocks;
  }

  /** Adds memory, offline, where its addresses are lowest: a module may come where another was. */
  add(count: number, zone: ZoneSim, node: number): RangeSim | null {
    const gap = this.#gaps.findIndex((free) => free.count >= count);
    const free = gap === -1 ? null : this.#gaps[gap];
    const first = free?.first ?? this.#top;
    if (free == null && first + count > this.#mostBlocks) return null;
    if (free == null) this.#top += count;
    else if (free.count === count) this.#gaps.splice(gap, 1);
    else this.#gaps[gap] = { first: first + count, count: free.count - count };
    const blocks = Array.from({ length: count }, (_, index) => first + index);
    for (const block of blocks) this.blocks.set(block, { state: 'offline', zone, node });
    const range = { blocks };
    this.#ranges.add(range);
    return range;
  }

  /** Whether a range that was added is still there. */
  holds(range: RangeSim): boolean {
    return this.#ranges.has(range);
  }

  /** Takes memory out whose blocks are offline. What has been taken out already is nothing. */
  remove(range: RangeSim): void {
    if (!this.#ranges.delete(range)) return;
    const { blocks } = range;
    for (const block of blocks) {
      this.setState(block, 'offline');
      this.blocks.delete(block);
    }
    const [first] = blocks;
    if (first !== undefined) this.#free(first, blocks.length);
  }

  setState(block: number, state: BlockStateSim): void {
    const known = this.blocks.get(block);
    if (known === undefined || known.state === state) return;
    const sign = Number(state !== 'offline') - Number(known.state !== 'offline');
    known.state = state;
    this.#count(known, sign);
  }

  /** Puts a block into a zone: on a PC what lies below 4 GiB is in DMA32. */
  setZone(block: number, zone: ZoneSim): void {
    const known = this.blocks.get(block);
    if (known === undefined) return;
    const isOnline = Number(known.state !== 'offline');
    this.#count(known, -isOnline);
    known.zone = zone;
    this.#count(known, isOnline);
  }

  #count({ node, zone }: BlockSim, sign: number): void {
    if (sign === 0) return;
    this.#online += sign;
    const known = this.nodes.get(node);
    const counted = known ?? { onlineBytes: 0, movableBytes: 0 };
    this.nodes.set(node, counted);
    if (known === undefined) this.onNode?.(node);
    counted.onlineBytes += sign * this.blockBytes;
    if (zone === 'Movable') counted.movableBytes += sign * this.blockBytes;
    this.onMoved?.();
  }

  /** Gaps are in order, and none touches another: one that is new can only touch the two beside it. */
  #free(first: number, count: number): void {
    const at = this.#gapsBelow(first);
    const below = this.#gaps[at - 1];
    const above = this.#gaps[at];
    const joinsBelow = below !== undefined && below.first + below.count === first;
    const joinsAbove = above !== undefined && first + count === above.first;
    const gap = {
      first: joinsBelow ? below.first : first,
      count: count + (joinsBelow ? below.count : 0) + (joinsAbove ? above.count : 0),
    };
    const isLast = gap.first + gap.count === this.#top;
    if (isLast) this.#top = gap.first;
    const replaced = Number(joinsBelow) + Number(joinsAbove);
    this.#gaps.splice(at - Number(joinsBelow), replaced, ...(isLast ? [] : [gap]));
  }

  /** How many gaps lie below a block: looked for by halves. */
  #gapsBelow(block: number): number {
    let low = 0;
    let high = this.#gaps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#gaps[middle]?.first ?? block) < block) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
