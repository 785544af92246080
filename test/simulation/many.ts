// Many seeds on all processors: workers play pieces of them, and what they met is added up.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Broken, type Played, playSeeds } from './play.ts';
import { addTally, emptyTally } from './tally.ts';

/** Seeds that a worker plays before it asks for more. */
const PIECE = 250;
const BROKEN_MOST = 20;
const PLAY = 'play seeds';

interface Piece {
  readonly first: number;
  readonly count: number;
}

export interface Many {
  readonly first: number;
  readonly seeds: number;
  readonly workers: number;
  /** Told of each broken invariant when it is found. */
  readonly onBroken?: (broken: Broken) => void;
  /** Told how many have been played. */
  readonly onPlayed?: (seeds: number) => void;
}

/** Stops early when enough are broken. */
export async function playAll({ first, seeds, workers, onBroken, onPlayed }: Many): Promise<Played> {
  const tally = emptyTally();
  const broken: Broken[] = [];
  let handedOut = 0;
  let played = 0;
  const next = (): Piece | null => {
    if (handedOut >= seeds || broken.length >= BROKEN_MOST) return null;
    const piece = { first: first + handedOut, count: Math.min(PIECE, seeds - handedOut) };
    handedOut += piece.count;
    return piece;
  };
  const take = (part: Played) => {
    played += part.seeds;
    addTally(tally, part.tally);
    broken.push(...part.broken);
    for (const each of part.broken) onBroken?.(each);
    onPlayed?.(played);
  };
  const count = Math.max(1, Math.min(workers, Math.ceil(seeds / PIECE)));
  await Promise.all(Array.from({ length: count }, () => work(next, take)));
  return { seeds: played, broken, tally };
}

function work(next: () => Piece | null, take: (part: Played) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: PLAY });
    const give = () => {
      const piece = next();
      if (piece !== null) return worker.postMessage(piece);
      return void worker.terminate().then(() => resolve(), reject);
    };
    worker.on('message', (part: Played) => {
      take(part);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

if (!isMainThread && workerData === PLAY) {
  parentPort?.on('message', ({ first, count }: Piece) => {
    void playSeeds(first, count, { most: BROKEN_MOST }).then((part) => parentPort?.postMessage(part));
  });
}
