// The hunt for memory that is used after it is gone: many histories, some of them at once, so that calls of
// one are under way while another gives memory back.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheHistory, FIXED_CACHE, RESIZABLE_CACHE } from './cache-history.ts';
import type { Ends } from './calls.ts';
import type { Broken, History, HistoryOptions, Tally } from './history.ts';
import { makePieces, PIECE_MOST } from './pieces.ts';
import { FIXED, PoolHistory, RESIZABLE } from './pool-history.ts';
import { SocketPair } from './socket-pair.ts';

export interface HuntOptions {
  readonly histories: number;
  readonly first?: number;
  readonly broken?: Broken;
}

const STEPS = 96;
/** Histories at once. */
const LANES = 4;
/** More writes are never under way at once. */
const SLOTS = 1_000;

/** One in so many is of the kinds whose slabs are 32 MiB. */
const KINDS: readonly ((options: HistoryOptions) => History)[] = [
  (options) => new PoolHistory(options, RESIZABLE),
  (options) => new CacheHistory(options, RESIZABLE_CACHE),
  (options) => new PoolHistory(options, FIXED),
  (options) => new PoolHistory(options, RESIZABLE),
  (options) => new CacheHistory(options, RESIZABLE_CACHE),
  (options) => new CacheHistory(options, FIXED_CACHE),
];

/** @throws Error with the seed of the first history in which a byte is wrong */
export async function hunt({ histories, first = 1, broken = null }: HuntOptions): Promise<Tally> {
  const tally: Tally = { calls: {}, counts: { histories: 0 } };
  const { ends, close } = await openEnds();
  let next = first;
  const lane = async () => {
    while (next < first + histories) {
      const seed = next++;
      await playOne({ seed, ends, tally, broken });
      tally.counts.histories = (tally.counts.histories ?? 0) + 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await close();
  }
  return tally;
}

async function playOne(options: HistoryOptions): Promise<void> {
  try {
    await KINDS[options.seed % KINDS.length]?.(options).play(STEPS);
  } catch (error) {
    throw new Error(`history ${options.seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

async function openEnds(): Promise<{ ends: Ends; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hotadd-hunt-'));
  const file = await open(join(folder, 'pieces'), 'w+');
  const pieces = makePieces();
  for (const [index, { bytes }] of pieces.entries())
    await file.write(bytes, 0, bytes.length, index * PIECE_MOST);
  const sockets = await SocketPair.open();
  const freeSlots = Array.from({ length: SLOTS }, (_, slot) => slot);
  const close = async () => {
    await sockets.close();
    await file.close();
    await rm(folder, { recursive: true });
  };
  return { ends: { pieces, file, freeSlots, sockets }, close };
}
