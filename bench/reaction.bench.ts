// A limit is written -> the driver is called. One writer, four contenders, each with a cgroup of its own,
// written to in turn: nobody is woken by another's event, and all run on the same machine in the same
// minute.
import { Contender, compile, nowNs, pause } from './contender.ts';
import { digits, percentile, withSpread } from './figures.ts';
import { makeCgroup, type OwnCgroup, whyNoCgroup } from './own-cgroup.ts';
import { type Bar, publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Limit written -> driver called';
const RUNS = QUICK ? 1 : 5;
const SAMPLES = QUICK ? 60 : 200;
const POLL_EVERY = 20;
const SHRINKS = QUICK ? 2 : 6;
const WARM_UP = 20;
const MiB = 2 ** 20;
const START_BYTES = 256 * MiB;
/** Beyond the dead-band of 1 %. */
const GROWTH = 1.02;
const GAP_MS = 8;

interface Lane {
  readonly contender: Contender;
  readonly cgroup: OwnCgroup;
  bytes: number;
}

/** Writes a limit and waits for the contender's word: microseconds from write to call. */
async function sample(lane: Lane, bytes: number): Promise<number> {
  lane.bytes = bytes;
  const writtenNs = nowNs();
  lane.cgroup.writeLimit(bytes);
  const [calledNs = Number.NaN] = await lane.contender.numbers();
  // An uneven gap: nothing may fall into step with a timer of a contender.
  await pause(GAP_MS + Math.random() * GAP_MS);
  return (calledNs - writtenNs) / 1_000;
}

const grown = (lane: Lane) => sample(lane, lane.bytes * GROWTH);

async function openLane(name: string, open: (cgroup: OwnCgroup) => Contender): Promise<Lane> {
  const cgroup = makeCgroup(name.replaceAll(' ', '-'));
  cgroup.writeLimit(START_BYTES);
  const contender = open(cgroup);
  await contender.line();
  return { contender, cgroup, bytes: START_BYTES };
}

interface Run {
  readonly us: ReadonlyMap<string, number[]>;
  readonly shrinkUs: number[];
  readonly pollUs: number[];
}

async function measure(lanes: readonly Lane[], poll: Lane, hotadd: Lane): Promise<Run> {
  for (let index = 0; index < WARM_UP; index += 1) for (const lane of lanes) await grown(lane);
  await shrink(hotadd, START_BYTES);
  for (const lane of lanes) lane.bytes = START_BYTES;
  const us = new Map(lanes.map(({ contender }) => [contender.name, [] as number[]]));
  const pollUs: number[] = [];
  for (let index = 0; index < SAMPLES; index += 1) {
    // Each goes first as often as the others.
    const first = index % lanes.length;
    for (const lane of [...lanes.slice(first), ...lanes.slice(0, first)]) {
      us.get(lane.contender.name)?.push(await grown(lane));
    }
    if (index % POLL_EVERY !== 0) continue;
    // At any moment of the poll's second, not always at the same one after its last.
    await pause(Math.random() * 1_000);
    pollUs.push(await grown(poll));
  }
  const shrinkUs: number[] = [];
  for (let index = 0; index < SHRINKS; index += 1) {
    shrinkUs.push(await shrink(hotadd, Math.max(START_BYTES, hotadd.bytes / 2)));
    if (hotadd.bytes === START_BYTES) break;
  }
  if (hotadd.bytes !== START_BYTES) await shrink(hotadd, START_BYTES);
  for (const lane of lanes) lane.bytes = START_BYTES;
  return { us, shrinkUs, pollUs };
}

/** A shrink is over when it is proven: held must stay down for 2 s, so these are few. */
function shrink(lane: Lane, bytes: number): Promise<number> {
  return sample(lane, bytes);
}

async function main(): Promise<void> {
  const reason = whyNoCgroup();
  if (reason !== null) return publishSkip(TITLE, reason);
  const program = compile('limit-watch.c');
  const hotadd = await openLane('hotadd', ({ path }) => Contender.node('hotadd', 'limit-hotadd.ts', [path]));
  const bare = await openLane('bare Node', ({ limitFile }) =>
    Contender.node('bare Node', 'limit-bare.ts', [limitFile]),
  );
  const c = await openLane('C', ({ limitFile }) => new Contender('C', program, [limitFile]));
  const poll = await openLane('poll', ({ limitFile }) =>
    Contender.node('poll 1 s', 'limit-poll.ts', [limitFile]),
  );
  const lanes = [hotadd, bare, c];
  const runs: Run[] = [];
  for (let index = 0; index < RUNS; index += 1) runs.push(await measure(lanes, poll, hotadd));
  show(runs);
  for (const lane of [...lanes, poll]) await lane.contender.stop();
}

function show(runs: readonly Run[]): void {
  const of = (name: string, share: number) => runs.map(({ us }) => percentile(us.get(name) ?? [], share));
  const row = (label: string, name: string) => [
    label,
    withSpread(of(name, 0.5)),
    withSpread(of(name, 0.95)),
    withSpread(of(name, 0.99)),
  ];
  const all = (pick: (run: Run) => number[]) => runs.flatMap(pick);
  const few = (label: string, samples: number[]) => [
    label,
    digits(percentile(samples, 0.5)),
    digits(percentile(samples, 0.95)),
    `${digits(Math.max(...samples))} (highest of ${samples.length})`,
  ];
  const ratios = of('hotadd', 0.5).map((p50, index) => p50 / (of('bare Node', 0.5)[index] ?? Number.NaN));
  const bars: Bar[] = [
    { what: 'p50, hotadd / bare Node', unit: 'x', runs: ratios, atMost: 4 },
    { what: 'p99, hotadd', unit: 'ms', runs: of('hotadd', 0.99).map((us) => us / 1_000), atMost: 5 },
  ];
  publish({
    title: TITLE,
    about:
      `A real cgroup's limit is raised by 2 % at a time; microseconds from before the write to the call ` +
      `of the driver. ${RUNS} runs of ${SAMPLES} writes for each contender, in turn; the median of the ` +
      'runs (lowest-highest). hotadd reads all of memory, settles, plans and counts room before it ' +
      'calls; bare Node reads one file.',
    columns: ['us', 'p50', 'p95', 'p99'],
    rows: [
      row('hotadd: limit -> driver.resize', 'hotadd'),
      row('bare Node: fs.watch + readFileSync', 'bare Node'),
      row('C: inotify + read', 'C'),
      few(
        'hotadd, shrink',
        all(({ shrinkUs }) => shrinkUs),
      ),
      few(
        'bare Node, poll of 1 s',
        all(({ pollUs }) => pollUs),
      ),
    ],
    bars,
    notes: [],
  });
}

await main();
