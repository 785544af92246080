// `npm run sim`: plays many seeds on all processors, replays one with a log, or plants a bug on purpose.
//
//   npm run sim -- --seeds 1000000          npm run sim -- --seed 4711
//   npm run sim -- --canary room            npm run sim -- --seeds 5000 --from 100000 --workers 1
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CANARIES } from './canaries.ts';
import { INVARIANTS } from './invariants.ts';
import { type Broken, type Played, playScenario, playSeeds } from './play.ts';
import { runScenario } from './run.ts';
import { makeScenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { addTally, emptyTally, unmet } from './tally.ts';

const DEFAULT_SEEDS = 10_000;
/** Seeds that a worker plays before it asks for more. */
const PIECE = 500;
const BROKEN_MOST = 20;
/** Fewer seeds may miss what the tally asks for. */
const TALLIED_FROM = 2_000;

if (isMainThread) process.exitCode = await main();
else serve();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      from: { type: 'string' },
      workers: { type: 'string' },
      canary: { type: 'string' },
    },
  });
  if (values.seed !== undefined) return replay(wholeNumber('seed', values.seed));
  if (values.canary !== undefined) return plant(values.canary);
  const seeds = wholeNumber('seeds', values.seeds ?? String(DEFAULT_SEEDS));
  const workers = wholeNumber('workers', values.workers ?? String(availableParallelism()));
  return playAll(wholeNumber('from', values.from ?? '1'), seeds, Math.max(1, workers));
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`sim: --${name} "${text}" is not a whole number; write it in digits`);
  process.exit(2);
}

async function playAll(first: number, seeds: number, workers: number): Promise<number> {
  const startedMs = performance.now();
  const tally = emptyTally();
  const broken: Broken[] = [];
  let handedOut = 0;
  let played = 0;
  const next = () => {
    if (handedOut >= seeds || broken.length >= BROKEN_MOST) return null;
    const piece = { first: first + handedOut, count: Math.min(PIECE, seeds - handedOut) };
    handedOut += piece.count;
    return piece;
  };
  const take = (part: Played) => {
    played += part.seeds;
    addTally(tally, part.tally);
    for (const each of part.broken) {
      broken.push(each);
      console.log(
        `seed ${each.seed}: ${each.problem} (${each.invariant}); npm run sim -- --seed ${each.seed}`,
      );
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(workers, Math.ceil(seeds / PIECE)) }, () => work(next, take)),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const each = Math.round(played / seconds / workers);
  console.log(
    `${played} seeds from ${first} in ${seconds.toFixed(0)} s, ${each} a second on each of ${workers}`,
  );
  console.log(
    Object.entries(tally)
      .map(([met, count]) => `${count} ${met}`)
      .join(', '),
  );
  const missing = played >= TALLIED_FROM ? unmet(tally) : [];
  if (missing.length > 0) console.log(`never met: ${missing.join(', ')}`);
  console.log(broken.length === 0 ? 'every invariant holds' : `${broken.length} broken`);
  return broken.length === 0 && missing.length === 0 ? 0 : 1;
}

interface Piece {
  readonly first: number;
  readonly count: number;
}

function work(next: () => Piece | null, take: (part: Played) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: 'play' });
    const give = () => {
      const piece = next();
      if (piece !== null) return worker.postMessage(piece);
      void worker.terminate();
      return resolve();
    };
    worker.on('message', (part: Played) => {
      take(part);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

function serve(): void {
  if (workerData !== 'play') return;
  parentPort?.on('message', ({ first, count }: Piece) => {
    void playSeeds(first, count, { most: BROKEN_MOST }).then((part) => parentPort?.postMessage(part));
  });
}

/** One seed with its log; where it breaks an invariant, also the shortest history that does. */
async function replay(seed: number): Promise<number> {
  const scenario = makeScenario(seed);
  const trace = await runScenario(scenario, (line) => console.log(line));
  const problems = INVARIANTS.flatMap(({ name, sentence, broken }) => {
    const problem = broken(trace);
    return problem === null ? [] : [{ name, text: `BROKEN: ${sentence} ${problem}` }];
  });
  for (const { text } of problems) console.log(text);
  const [first] = problems;
  if (first === undefined) {
    console.log(`every invariant holds; rest after ${trace.ending.passes} passes`);
    return 0;
  }
  const short = await shrink(
    scenario,
    async (smaller) => (await playScenario(smaller))?.invariant === first.name,
  );
  console.log(`\nthe same with ${short.steps.length} of ${scenario.steps.length} steps:`);
  await runScenario(short, (line) => console.log(line));
  console.log(JSON.stringify(short));
  return 1;
}

async function plant(name: string): Promise<number> {
  const canary = CANARIES.find(({ invariant }) => invariant === name);
  if (canary === undefined) {
    console.error(
      `sim: there is no canary "${name}"; there are ${CANARIES.map(({ invariant }) => invariant).join(', ')}`,
    );
    return 2;
  }
  const remove = canary.plant();
  const { seeds, broken } = await playSeeds(1, 1_000, { most: 1, only: name }).finally(remove);
  console.log(
    broken.length === 0
      ? `not caught in ${seeds} seeds: ${canary.bug}`
      : `caught at seed ${seeds}: ${broken[0]?.problem}`,
  );
  return broken[0]?.invariant === name ? 0 : 1;
}
