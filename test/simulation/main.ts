// `npm run sim`: plays many seeds on all processors, replays one with a log, or plants a bug on purpose.
//
//   npm run sim -- --seeds 1000000          npm run sim -- --seed 4711
//   npm run sim -- --canary room            npm run sim -- --seeds 5000 --from 100000 --workers 1
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CANARIES } from './canaries.ts';
import { INVARIANTS } from './invariants.ts';
import { playAll } from './many.ts';
import { playScenario, playSeeds } from './play.ts';
import { runScenario } from './run.ts';
import { makeScenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { unmet } from './tally.ts';

const DEFAULT_SEEDS = '10000';
/** Fewer seeds may miss what the tally asks for. */
const TALLIED_FROM = 2_000;
const CANARY_SEEDS = 1_000;
const TELL_EVERY = 50_000;

// Nobody reads any more: `npm run sim -- --seed N | head`.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: DEFAULT_SEEDS },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      seed: { type: 'string' },
      canary: { type: 'string' },
    },
  });
  if (values.seed !== undefined) return replay(wholeNumber('seed', values.seed));
  if (values.canary !== undefined) return plant(values.canary);
  return play({
    first: wholeNumber('from', values.from),
    seeds: wholeNumber('seeds', values.seeds),
    workers: Math.max(1, wholeNumber('workers', values.workers)),
  });
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`sim: --${name} "${text}" is not a whole number; write it in digits`);
  process.exit(2);
}

async function play(asked: { first: number; seeds: number; workers: number }): Promise<number> {
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1_000;
  let toldAt = TELL_EVERY;
  const { seeds, broken, tally } = await playAll({
    ...asked,
    onBroken: ({ seed, problem, invariant }) =>
      console.log(`seed ${seed}: ${problem} (${invariant}); npm run sim -- --seed ${seed}`),
    onPlayed: (played) => {
      if (played < toldAt) return;
      toldAt += TELL_EVERY;
      console.log(`${played} seeds after ${seconds().toFixed(0)} s`);
    },
  });
  const each = Math.round(seeds / seconds() / asked.workers);
  const took = `in ${seconds().toFixed(0)} s, ${each} a second on each of ${asked.workers} processors`;
  console.log(`${seeds} seeds from ${asked.first} ${took}`);
  const met = Object.entries(tally).map(([what, count]) => `${count} ${what}`);
  console.log(met.join(', '));
  const missing = seeds >= TALLIED_FROM ? unmet(tally) : [];
  if (missing.length > 0) console.log(`never met: ${missing.join(', ')}`);
  console.log(broken.length === 0 ? 'every invariant holds' : `${broken.length} broken`);
  return broken.length === 0 && missing.length === 0 ? 0 : 1;
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
    console.log(`every invariant holds; at rest after ${trace.ending.passes} passes`);
    return 0;
  }
  const stillBroken = async (smaller: typeof scenario) =>
    (await playScenario(smaller, undefined, first.name)) !== null;
  const short = await shrink(scenario, stillBroken);
  console.log(`\nthe same with ${short.steps.length} of ${scenario.steps.length} steps:`);
  await runScenario(short, (line) => console.log(line));
  console.log(JSON.stringify(short));
  return 1;
}

async function plant(name: string): Promise<number> {
  const canary = CANARIES.find(({ invariant }) => invariant === name);
  if (canary === undefined) {
    const names = CANARIES.map(({ invariant }) => invariant).join(', ');
    console.error(`sim: there is no canary "${name}"; there are ${names}`);
    return 2;
  }
  const remove = canary.plant();
  const { seeds, broken } = await playSeeds(1, CANARY_SEEDS, { most: 1, only: name }).finally(remove);
  const [found] = broken;
  if (found === undefined) console.log(`not caught in ${seeds} seeds: ${canary.bug}`);
  else console.log(`caught at seed ${found.seed} (${canary.bug}): ${found.problem}`);
  return found === undefined ? 1 : 0;
}
