// How long one simulated history takes on one core, faults, crashes and the agent's files included: a million
// of them must be something to run over lunch.
import { playSeeds } from '../test/simulation/play.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const SEEDS = QUICK ? 200 : 2_000;
const RUNS = QUICK ? 2 : 5;
const BAR_MS = 4;

const msPerSeed: number[] = [];
const perRun: string[][] = [];
await playSeeds(1, SEEDS / 10, { most: 1 });
for (let run = 0; run < RUNS; run += 1) {
  const startMs = performance.now();
  const { seeds, tally } = await playSeeds(1 + run * SEEDS, SEEDS, { most: 1 });
  msPerSeed.push((performance.now() - startMs) / seeds);
  const { growths, shrinks, crashes } = tally;
  perRun.push([
    String(1 + run * SEEDS),
    String(growths + shrinks),
    String(crashes),
    digits(msPerSeed.at(-1) ?? 0),
  ]);
}

publish({
  title: 'Simulated histories',
  about: `${RUNS} runs of ${SEEDS.toLocaleString('en')} seeds on one core, one after the other.`,
  columns: ['first seed', 'changes', 'crashes', 'ms a seed'],
  rows: [...perRun, ['all', '', '', withSpread(msPerSeed)]],
  bars: [{ what: 'one history', unit: 'ms', runs: msPerSeed, atMost: BAR_MS }],
  notes: [`That is ${digits(1_000 / median(msPerSeed))} seeds a second.`],
});
