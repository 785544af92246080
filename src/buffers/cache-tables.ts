// Where the tables of a cache's index lie: the first ones on their own, so that a small cache needs no
// segment for them, and all others in leases of the same pool as its values, several in each, so that they
// are counted with them, and go back to the system like them.
import type { Lease } from './lease.ts';

/** Pairs of a hash and a place; a power of two. */
export const TABLE_PAIRS = 4096;
export const TABLE_BYTES = TABLE_PAIRS * 2 * Int32Array.BYTES_PER_ELEMENT;
/** Half a MiB, of which the system gives what is touched. */
const TABLES_APART = 16;

/** Who has a table. */
export interface TableOwner {
  pairs: Int32Array<ArrayBuffer>;
}

interface Room {
  /** `null`: it is apart, and stays. */
  lease: Lease | null;
  bytes: Uint8Array<ArrayBuffer>;
  /** By position; `null`: free. */
  readonly owners: (TableOwner | null)[];
  used: number;
}

export class CacheTables {
  readonly #tablesPerLease: number;
  readonly #rooms: Room[] = [roomOf(null, new Uint8Array(TABLES_APART * TABLE_BYTES), TABLES_APART)];

  constructor(segmentBytes: number) {
    this.#tablesPerLease = segmentBytes / TABLE_BYTES;
  }

  get hasRoom(): boolean {
    return this.#rooms.some(({ owners, used }) => used < owners.length);
  }

  /** Takes a lease to keep tables in. */
  addRoom(lease: Lease): void {
    this.#rooms.push(roomOf(lease, lease.bytes, this.#tablesPerLease));
  }

  /** Gives an owner a table that is all 0. Call it only where there is room. */
  give(owner: TableOwner): void {
    const room = this.#rooms.find(({ owners, used }) => used < owners.length);
    if (room === undefined) throw new Error('there is no room for a table');
    put(owner, room);
    owner.pairs.fill(0);
  }

  takeBack(owner: TableOwner): void {
    for (const room of this.#rooms) {
      const index = room.owners.indexOf(owner);
      if (index < 0) continue;
      room.owners[index] = null;
      room.used -= 1;
    }
    this.giveUpSpare();
  }

  /** Takes all tables back, and gives all leases up. */
  clear(): void {
    for (const room of this.#rooms.splice(0)) {
      if (room.lease === null) this.#rooms.push(roomOf(null, room.bytes, TABLES_APART));
      else room.lease.release();
    }
  }

  /** Gives a lease up when it is empty, or when there is space elsewhere for all of its tables, and more. */
  giveUpSpare(): void {
    let emptiest: Room | null = null;
    let free = 0;
    for (const room of this.#rooms) {
      free += room.owners.length - room.used;
      if (room.lease !== null && (emptiest === null || room.used < emptiest.used)) emptiest = room;
    }
    if (emptiest === null) return;
    const elsewhere = free - (emptiest.owners.length - emptiest.used);
    const spare = Math.min(TABLES_APART, this.#tablesPerLease) / 2;
    if (emptiest.used === 0 || elsewhere >= emptiest.used + spare) this.#giveUp(emptiest);
  }

  /** A lease of it that a shrink waits for; `null`: none. */
  get recalled(): Lease | null {
    return this.#rooms.find(({ lease }) => lease?.recalled)?.lease ?? null;
  }

  /** Moves what is in one lease to another, and gives it back. */
  move(from: Lease, to: Lease): void {
    const room = this.#rooms.find(({ lease }) => lease === from);
    if (room === undefined) throw new Error('no table is in this lease');
    to.bytes.set(from.bytes);
    room.lease = to;
    room.bytes = to.bytes;
    for (const [index, owner] of room.owners.entries())
      if (owner !== null) owner.pairs = pairsAt(room, index);
    from.release();
  }

  #giveUp(room: Room): void {
    this.#rooms.splice(this.#rooms.indexOf(room), 1);
    for (const owner of room.owners) {
      const other = this.#rooms.find(({ owners, used }) => used < owners.length);
      if (owner === null || other === undefined) continue;
      const { pairs } = owner;
      put(owner, other);
      owner.pairs.set(pairs);
    }
    room.lease?.release();
  }
}

function roomOf(lease: Lease | null, bytes: Uint8Array<ArrayBuffer>, tables: number): Room {
  return { lease, bytes, owners: Array.from({ length: tables }, () => null), used: 0 };
}

function put(owner: TableOwner, room: Room): void {
  const index = room.owners.indexOf(null);
  room.owners[index] = owner;
  room.used += 1;
  owner.pairs = pairsAt(room, index);
}

function pairsAt({ bytes }: Room, index: number): Int32Array<ArrayBuffer> {
  return new Int32Array(bytes.buffer, bytes.byteOffset + index * TABLE_BYTES, TABLE_PAIRS * 2);
}
