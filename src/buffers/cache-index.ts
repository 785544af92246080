// The index of a cache: from a hash to the places of entries. It is off the V8 heap, a few bytes for each
// entry, and no call of it takes long: an extendible hash (Fagin et al., TODS 1979) of small tables. One that
// is full becomes two; two that are nearly empty become one.
//
//   the first bits of a hash --> directory --> a table of pairs  | hash | place |, from its last bits on
//   place > 0: an entry   0: free   < 0: a ghost, what is left of an entry that was evicted: which queue it
//   left, and when. Ghosts go when their table is full and they are too old to tell anything.
import { type CacheTables, TABLE_PAIRS, type TableOwner } from './cache-tables.ts';

const MASK = TABLE_PAIRS - 1;
/** Pairs in use: beyond that a search takes long. */
const USED_MOST = TABLE_PAIRS * 0.75;
/** A table that is fuller than this without old ghosts becomes two. */
const SPLIT_ABOVE = TABLE_PAIRS * 0.6;
/** Two tables with so many pairs in all become one. */
const MERGE_BELOW = TABLE_PAIRS * 0.3;
/** A directory of 2^24 is that of 10^10 entries. */
const DEPTH_MOST = 24;
/** What is left of an entry that was deleted: a ghost that tells nothing. */
export const NO_GHOST = -1;

interface Table extends TableOwner {
  /** How many first bits of a hash lead to it. */
  depth: number;
  entries: number;
  /** Entries and ghosts. */
  used: number;
}

export interface CacheIndexOptions {
  readonly tables: CacheTables;
  /** Whether the entry at a place has this key. */
  readonly hasKey: (place: number, key: string) => boolean;
  /** Whether a ghost still tells anything. */
  readonly isTelling: (ghost: number) => boolean;
}

export class CacheIndex {
  readonly #options: CacheIndexOptions;
  #directory: Table[] = [];
  /** Bits of a hash that are not those of the directory, which has two tables at least. */
  #shift = 31;
  #entries = 0;
  /** For pairs on their way, so that nothing here waits for memory, or fails for want of it. */
  readonly #moving = new Int32Array(4 * TABLE_PAIRS);

  constructor(options: CacheIndexOptions) {
    this.#options = options;
    this.#begin();
  }

  get entries(): number {
    return this.#entries;
  }

  /** The place of the entry; without one a ghost of this hash, below 0; without either 0. */
  find(hash: number, key: string): number {
    const { pairs } = this.#directory[hash >>> this.#shift] as Table;
    let ghost = 0;
    for (let at = (hash & MASK) << 1; ; at = (at + 2) & (2 * MASK + 1)) {
      const place = pairs[at + 1] as number;
      if (place === 0) return ghost;
      if (pairs[at] !== hash) continue;
      if (place < 0) {
        if (place !== NO_GHOST) ghost = place;
      } else if (this.#options.hasKey(place, key)) return place;
    }
  }

  /** Whether an entry with this hash could be added as it is. */
  hasRoom(hash: number): boolean {
    const table = this.#directory[hash >>> this.#shift] as Table;
    return table.used < USED_MOST;
  }

  /** Makes room for an entry with this hash. False: give `CacheTables` room for another table first. */
  makeRoom(hash: number): boolean {
    for (;;) {
      const table = this.#directory[hash >>> this.#shift] as Table;
      if (table.used >= USED_MOST) this.#refill([table], this.#take(table));
      if (table.used < SPLIT_ABOVE || !isDivisible(table, hash)) return true;
      if (!this.#options.tables.hasRoom) return false;
      this.#split(table, hash);
    }
  }

  /** Adds an entry, in the place of a ghost of its hash if there is one. Call it only where there is room. */
  add(hash: number, place: number): void {
    const table = this.#directory[hash >>> this.#shift] as Table;
    this.#entries += 1;
    this.#put(table, hash, place);
  }

  /** Puts another place, or a ghost, in the place of one. False: it is not there. */
  replace(hash: number, from: number, to: number): boolean {
    const table = this.#directory[hash >>> this.#shift] as Table;
    const { pairs } = table;
    for (let at = (hash & MASK) << 1; pairs[at + 1] !== 0; at = (at + 2) & (2 * MASK + 1)) {
      if (pairs[at + 1] !== from) continue;
      pairs[at + 1] = to;
      if (to < 0) this.#leave(table, hash);
      return true;
    }
    return false;
  }

  /** Takes an entry out, without a ghost. */
  remove(hash: number, place: number): boolean {
    return this.replace(hash, place, NO_GHOST);
  }

  clear(): void {
    this.#options.tables.clear();
    this.#begin();
  }

  #begin(): void {
    const first: Table = { pairs: new Int32Array(), depth: 0, entries: 0, used: 0 };
    this.#options.tables.give(first);
    this.#directory = [first, first];
    this.#shift = 31;
    this.#entries = 0;
  }

  /** Writes a pair where its search ends, or over a ghost of its hash. */
  #put(table: Table, hash: number, place: number): void {
    const { pairs } = table;
    let at = (hash & MASK) << 1;
    while (pairs[at + 1] !== 0 && !(pairs[at] === hash && (pairs[at + 1] as number) < 0))
      at = (at + 2) & (2 * MASK + 1);
    if (pairs[at + 1] === 0) table.used += 1;
    if (place > 0) table.entries += 1;
    pairs[at] = hash;
    pairs[at + 1] = place;
  }

  /** Puts pairs into tables anew, without the ghosts that tell nothing. */
  #refill(tables: readonly Table[], pairs: Int32Array): void {
    for (const table of tables) {
      table.pairs.fill(0);
      table.entries = 0;
      table.used = 0;
    }
    for (let at = 0; at < pairs.length; at += 2) {
      const [hash, place] = [pairs[at] as number, pairs[at + 1] as number];
      const stays = place > 0 || (place < 0 && place !== NO_GHOST && this.#options.isTelling(place));
      if (stays) this.#put(this.#directory[hash >>> this.#shift] as Table, hash, place);
    }
  }

  /** The pairs of some tables, where nothing else will write before they are put. */
  #take(...tables: readonly Table[]): Int32Array {
    for (const [index, { pairs }] of tables.entries()) this.#moving.set(pairs, index * pairs.length);
    return this.#moving.subarray(0, tables.length * 2 * TABLE_PAIRS);
  }

  #split(table: Table, hash: number): void {
    if (table.depth === 32 - this.#shift) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#shift -= 1;
    }
    const other: Table = { pairs: table.pairs, depth: table.depth + 1, entries: 0, used: 0 };
    this.#options.tables.give(other);
    const pairs = this.#take(table);
    const { begin, length } = this.#spanOf(table, hash);
    table.depth += 1;
    this.#directory.fill(other, begin + length / 2, begin + length);
    this.#refill([table, other], pairs);
  }

  /** After an entry left a table: where it and its other half are nearly empty they become one. */
  #leave(table: Table, hash: number): void {
    this.#entries -= 1;
    table.entries -= 1;
    for (let one = table; one.entries < MERGE_BELOW && one.depth > 0; ) {
      const { begin, length } = this.#spanOf(one, hash);
      const other = this.#directory[begin ^ length] as Table;
      if (other.depth !== one.depth || one.entries + other.entries >= MERGE_BELOW) return;
      one = this.#merge(one, other, { begin: begin & ~length, length: 2 * length });
    }
  }

  #merge(stays: Table, goes: Table, { begin, length }: { begin: number; length: number }): Table {
    const pairs = this.#take(stays, goes);
    if (stays.used + goes.used >= SPLIT_ABOVE) forgetGhosts(pairs);
    stays.depth -= 1;
    this.#directory.fill(stays, begin, begin + length);
    this.#refill([stays], pairs);
    this.#options.tables.takeBack(goes);
    return stays;
  }

  /** The part of the directory that leads to a table. */
  #spanOf({ depth }: Table, hash: number): { begin: number; length: number } {
    const length = 2 ** (32 - this.#shift - depth);
    const index = hash >>> this.#shift;
    return { begin: index - (index % length), length };
  }
}

/** False: by chance that never is, so somebody has found keys of equal hashes, and gets no more tables. */
function isDivisible({ pairs, depth }: Table, newHash: number): boolean {
  const bit = 1 << (31 - depth);
  let [zeros, ones] = newHash & bit ? [0, 1] : [1, 0];
  for (let at = 0; at < pairs.length; at += 2) {
    if (pairs[at + 1] === 0) continue;
    if ((pairs[at] as number) & bit) ones += 1;
    else zeros += 1;
  }
  return zeros > 0 && ones > 0 && depth < DEPTH_MOST;
}

function forgetGhosts(pairs: Int32Array): void {
  for (let at = 1; at < pairs.length; at += 2) if ((pairs[at] as number) < 0) pairs[at] = 0;
}
