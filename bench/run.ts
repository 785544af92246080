// `npm run bench`: runs each *.bench.ts as a process of its own, one at a time, and writes RESULTS.md.
// With names (`npm run bench -- plan notify`) or --quick it only prints.
import { fork, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { digits, median, withSpread } from './figures.ts';
import { type Bar, isMet, type Section, table, verdict } from './report.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const asked = process.argv.slice(2);
const flags = asked.filter((word) => word.startsWith('--'));
const names = asked.filter((word) => !word.startsWith('--'));

function runOne(file: string): Promise<{ sections: Section[]; failed: boolean }> {
  return new Promise((resolve) => {
    const sections: Section[] = [];
    const child = fork(folder + file, flags);
    child.on('message', (message) => sections.push(message as Section));
    child.on('exit', (code) => resolve({ sections, failed: code !== 0 }));
  });
}

function machine(): string[] {
  const [cpu] = cpus();
  const kernel = `${process.platform} ${release()}`;
  const compiler = spawnSync('gcc', ['-dumpfullversion'], { encoding: 'utf8' }).stdout?.trim() ?? 'none';
  return [
    `- machine: ${cpus().length} x ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      'shared with other work',
    `- kernel: ${kernel}; Node ${process.version}; gcc ${compiler}`,
    `- command: \`npm run bench\`, ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function barRow(section: Section, bar: Bar): string[] {
  const { what, unit, runs, atMost } = bar;
  const missedBy = `missed by ${digits(median(runs) - atMost)} ${unit}`;
  return [
    section.title,
    what,
    `${withSpread(runs)} ${unit}`,
    `<= ${atMost} ${unit}`,
    isMet(bar) ? 'met' : missedBy,
  ];
}

function pageOf(sections: readonly Section[]): string {
  const bars = sections.flatMap((section) => section.bars.map((bar) => barRow(section, bar)));
  const parts = sections.flatMap(({ title, about, columns, rows, bars: own, notes }) => [
    `## ${title}`,
    about,
    table(columns, rows),
    own.map((bar) => `- ${verdict(bar)}`).join('\n'),
    ...notes,
  ]);
  const opening = [
    '# Results',
    'Speed is a ratio against something that runs side by side in the same minutes; absolute times belong ' +
      'to the machine. A figure is the median of its runs with the lowest and highest beside it. ' +
      'Written by `bench/run.ts`.',
    machine().join('\n'),
    table(['what', 'bar', 'measured', 'at most', ''], bars),
  ];
  return `${[...opening, ...parts].filter((part) => part !== '').join('\n\n')}\n`;
}

const all = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .sort();
const chosen = names.length === 0 ? all : all.filter((file) => names.includes(file.replace('.bench.ts', '')));
const results: Section[] = [];
const failures: string[] = [];
for (const file of chosen) {
  const { sections, failed } = await runOne(file);
  results.push(...sections);
  if (failed) failures.push(file);
}
if (names.length === 0 && flags.length === 0 && failures.length === 0) {
  writeFileSync(`${folder}RESULTS.md`, pageOf(results));
}
const unmet = results.flatMap(({ bars }) => bars.filter((bar) => !isMet(bar)));
console.log(`\n${results.flatMap(({ bars }) => bars).length} bars, ${unmet.length} missed`);
for (const bar of unmet) console.log(`  ${verdict(bar)}`);
for (const file of failures) console.log(`  ${file} failed, see above`);
process.exitCode = failures.length === 0 && chosen.length > 0 ? 0 : 1;
