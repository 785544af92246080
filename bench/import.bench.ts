// What importing the package costs a program that may never open a partition, beside an empty module. Each
// import is the first of a new process. Another Node is measured by running this file with it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSources } from './compiled.ts';
import { Contender } from './contender.ts';
import { withSpread } from './figures.ts';
import { publish, QUICK } from './report.ts';

const RUNS = QUICK ? 5 : 31;
const MiB = 2 ** 20;

interface Cost {
  readonly ms: number;
  readonly mb: number;
}

async function costOf(module: string): Promise<Cost> {
  const contender = Contender.node('import', 'import.js', [module]);
  const [ms = Number.NaN, bytes = Number.NaN] = await contender.numbers();
  await contender.stop();
  return { ms, mb: bytes / MiB };
}

const compiled = compileSources();
const empty = join(compiled, 'empty.js');
writeFileSync(empty, 'export {};\n');
const modules = {
  hotadd: 'index.js',
  'hotadd/buffers': 'buffers/index.js',
  'hotadd/testing': 'testing/index.js',
};
const costs = new Map<string, Cost[]>();
for (let run = 0; run < RUNS; run += 1) {
  const bare = await costOf(empty);
  for (const [name, file] of [['an empty module', ''] as const, ...Object.entries(modules)]) {
    const cost = file === '' ? bare : await costOf(join(compiled, file));
    const above = file === '' ? cost : { ms: cost.ms - bare.ms, mb: cost.mb - bare.mb };
    costs.set(name, [...(costs.get(name) ?? []), above]);
  }
}
const of = (name: string, what: keyof Cost) => (costs.get(name) ?? []).map((cost) => cost[what]);
publish({
  title: 'Importing the package',
  about:
    `${RUNS} new processes for each, in turn, on Node ${process.version}; those of the package are above ` +
    'the empty module of the same turn. MB are 2^20 bytes of RSS.',
  columns: ['', 'ms', 'RSS, MB'],
  rows: [...costs.keys()].map((name) => [name, withSpread(of(name, 'ms')), withSpread(of(name, 'mb'))]),
  bars: [
    { what: "import 'hotadd', above an empty module", unit: 'ms', runs: of('hotadd', 'ms'), atMost: 5 },
    { what: "RSS of import 'hotadd', above it", unit: 'MB', runs: of('hotadd', 'mb'), atMost: 2 },
  ],
  notes: [],
});
