// What an idle agent costs for each partition, and an author's program that has opened one with the library:
// CPU over a minute, and memory. All contenders idle side by side in the same minute; the bare one reads the
// same files every second.
import { compileSources } from './compiled.ts';
import { Contender, pause, tempFolder } from './contender.ts';
import { median, withSpread } from './figures.ts';
import { makeCgroup, whyNoCgroup } from './own-cgroup.ts';
import { readsOf } from './reads.ts';
import { publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Idle agent or library, per partition';
const RUNS = QUICK ? 1 : 3;
const SECONDS = QUICK ? 10 : 60;
/** After opening, memory counts as moving for 2 s and is read ten times a second. */
const SETTLE_MS = 6_000;
const MiB = 2 ** 20;

interface Used {
  readonly cpuMsPerS: number;
  readonly rssMb: number;
}

async function usedBy(contender: Contender): Promise<{ us: number; rssMb: number }> {
  contender.say('?');
  const [us = Number.NaN, rss = Number.NaN] = await contender.numbers();
  return { us, rssMb: rss / MiB };
}

async function main(): Promise<void> {
  const reason = whyNoCgroup();
  if (reason !== null) return publishSkip(TITLE, reason);
  const compiled = compileSources();
  const runs = new Map<string, Used[]>();
  let reads = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const cgroup = makeCgroup(`idle-${run}`);
    cgroup.writeLimit(512 * MiB);
    const { files, folders } = await readsOf(`cgroup:${cgroup.path}`);
    reads = files.length + folders.length;
    const agent = (name: string, ...how: string[]) =>
      Contender.node(name, 'idle-agent.js', [compiled, tempFolder(), cgroup.path, ...how]);
    const contenders = [
      Contender.node('bare Node', 'idle-bare.js', [...files, '--', ...folders]),
      agent('agent, apply: false', 'observe'),
      agent('agent, apply: true', 'apply'),
    ];
    // One planner applies in a partition, so each has one of its own.
    const own = (name: string) => {
      const made = makeCgroup(`idle-${name}-${run}`);
      made.writeLimit(512 * MiB);
      return made.path;
    };
    const args = [compiled, tempFolder(), own('driver'), 'apply', 'driver'];
    contenders.push(
      Contender.node('agent, apply: true, a driver', 'idle-agent.js', args),
      Contender.node('library, apply: true, a driver', 'idle-library.js', [compiled, own('library')]),
    );
    await measure(contenders, runs);
  }
  show(runs, reads);
}

async function measure(contenders: readonly Contender[], runs: Map<string, Used[]>): Promise<void> {
  for (const contender of contenders) await contender.line();
  await pause(SETTLE_MS);
  const before = await Promise.all(contenders.map(usedBy));
  const startMs = performance.now();
  await pause(SECONDS * 1_000);
  const after = await Promise.all(contenders.map(usedBy));
  const seconds = (performance.now() - startMs) / 1_000;
  for (const [index, { name }] of contenders.entries()) {
    const us = (after[index]?.us ?? Number.NaN) - (before[index]?.us ?? Number.NaN);
    const used = { cpuMsPerS: us / 1_000 / seconds, rssMb: after[index]?.rssMb ?? Number.NaN };
    runs.set(name, [...(runs.get(name) ?? []), used]);
  }
  await Promise.all(contenders.map((contender) => contender.stop()));
}

function show(runs: ReadonlyMap<string, readonly Used[]>, reads: number): void {
  const of = (name: string, what: keyof Used) => (runs.get(name) ?? []).map((used) => used[what]);
  const bare = (what: keyof Used, run: number) => of('bare Node', what)[run] ?? Number.NaN;
  const agents = [...runs.keys()].filter((name) => name !== 'bare Node');
  const cpu = (name: string) => of(name, 'cpuMsPerS').map((ms, run) => ms / bare('cpuMsPerS', run));
  const rss = (name: string) => of(name, 'rssMb').map((mb, run) => mb - bare('rssMb', run));
  publish({
    title: TITLE,
    about:
      `${RUNS} runs of ${SECONDS} s, all side by side, from compiled JavaScript. The same ${reads} reads ` +
      'every second in each; hotadd also looks at its drivers every 5 s and at memory blocks once a ' +
      'minute. MB are 2^20 bytes.',
    columns: ['', 'CPU, ms per s', 'CPU of bare', 'RSS, MB', 'RSS above bare, MB'],
    rows: [...runs.keys()].map((name) => [
      name,
      withSpread(of(name, 'cpuMsPerS')),
      `${median(cpu(name)).toFixed(2)} x`,
      withSpread(of(name, 'rssMb')),
      withSpread(rss(name)),
    ]),
    bars: agents.flatMap((name) => [
      { what: `CPU, ${name} / bare`, unit: 'x' as const, runs: cpu(name), atMost: 2 },
      { what: `RSS, ${name} above bare`, unit: 'MB' as const, runs: rss(name), atMost: 35 },
    ]),
    notes: [],
  });
}

await main();
