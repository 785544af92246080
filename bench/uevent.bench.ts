// A kernel uevent -> the sensor's hint, and -> the driver called with settling off. The events are
// synthetic: the kernel sends what it would send, and no memory moves. Every listener hears every event,
// so contenders listen in turn.
import { accessSync, closeSync, constants, openSync, writeSync } from 'node:fs';
import { Contender, compile, nowNs, pause } from './contender.ts';
import { percentile, withSpread } from './figures.ts';
import { publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Kernel uevent -> driver called';
const RUNS = QUICK ? 1 : 5;
const SLICES = QUICK ? 1 : 4;
const EVENTS = 50;
const WARM_UP = 15;
const GAP_MS = 4;
const TRIGGER = '/sys/devices/system/memory/memory0/uevent';

interface Samples {
  readonly heardUs: number[];
  readonly calledUs: number[];
}

/** A slice of events while one contender listens. */
async function slice(contender: Contender, trigger: number, samples: Samples): Promise<void> {
  contender.say('open');
  await answerTo(contender, 'open');
  for (let event = -WARM_UP; event < EVENTS; event += 1) {
    contender.forget();
    const writtenNs = nowNs();
    writeSync(trigger, 'change', 0);
    const [calledNs = Number.NaN, heardNs = Number.NaN] = await contender.numbers();
    await pause(GAP_MS + Math.random() * GAP_MS);
    // An event that somebody else caused can answer before ours is out.
    if (event < 0 || heardNs < writtenNs) continue;
    samples.heardUs.push((heardNs - writtenNs) / 1_000);
    samples.calledUs.push((calledNs - writtenNs) / 1_000);
  }
  contender.say('close');
  await answerTo(contender, 'close');
}

async function answerTo(contender: Contender, word: string): Promise<void> {
  while ((await contender.line()) !== word);
}

function whyNot(): string | null {
  try {
    accessSync(TRIGGER, constants.W_OK);
    return null;
  } catch {
    return `${TRIGGER} cannot be written; needs root and memory blocks`;
  }
}

type Run = ReadonlyMap<string, Samples>;

async function main(): Promise<void> {
  const reason = whyNot();
  if (reason !== null) return publishSkip(TITLE, reason);
  const contenders = [
    Contender.node('hotadd', 'uevent-hotadd.ts'),
    Contender.node('bare Node', 'uevent-bare.ts'),
    new Contender('C', compile('uevent-listen.c'), []),
  ];
  const trigger = openSync(TRIGGER, 'w');
  const runs: Run[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    const run = new Map(contenders.map(({ name }) => [name, { heardUs: [], calledUs: [] } as Samples]));
    for (let turn = 0; turn < SLICES; turn += 1) {
      for (const contender of contenders) {
        const samples = run.get(contender.name);
        if (samples) await slice(contender, trigger, samples);
      }
    }
    runs.push(run);
  }
  closeSync(trigger);
  show(runs);
  for (const contender of contenders) await contender.stop();
}

function show(runs: readonly Run[]): void {
  const of = (name: string, what: keyof Samples, share: number) =>
    runs.map((run) => percentile(run.get(name)?.[what] ?? [], share));
  const row = (label: string, name: string, what: keyof Samples) => [
    label,
    ...[0.5, 0.95, 0.99].map((share) => withSpread(of(name, what, share))),
  ];
  const ratios = (what: keyof Samples) =>
    of('hotadd', what, 0.5).map((p50, index) => p50 / (of('bare Node', what, 0.5)[index] ?? Number.NaN));
  publish({
    title: TITLE,
    about:
      "`change` is written to a memory block's `uevent` file; microseconds from before the write. " +
      `${RUNS} runs of ${SLICES * EVENTS} events for each contender, in slices in turn. hotadd reads the ` +
      `block's state before it hints; from the hint to the call it reads all of memory, plans and counts ` +
      'room. Settling is off: for this bench the hint goes straight to the notifier, and MemTotal is ' +
      'made to grow by 2 % with each event.',
    columns: ['us', 'p50', 'p95', 'p99'],
    rows: [
      row('hotadd: uevent -> hint', 'hotadd', 'heardUs'),
      row('bare Node: netlink (koffi) -> event', 'bare Node', 'heardUs'),
      row('C: netlink -> event', 'C', 'heardUs'),
      row('hotadd: uevent -> driver.resize', 'hotadd', 'calledUs'),
      row('bare Node: netlink (koffi) -> MemTotal read', 'bare Node', 'calledUs'),
      row('C: netlink -> MemTotal read', 'C', 'calledUs'),
    ],
    bars: [
      { what: 'p50 to the hint, hotadd / bare Node', unit: 'x', runs: ratios('heardUs'), atMost: 4 },
      {
        what: 'p50 to the driver, hotadd / bare Node',
        unit: 'x',
        runs: ratios('calledUs'),
        atMost: 4,
        ifMissed:
          'Between hint and call hotadd reads all of memory twice, before and after its drivers, and ' +
          'the nodes, where bare Node reads one file: that takes as long however fast the machine wakes a ' +
          'process, so that the ratio rises as waking gets cheaper.',
      },
    ],
    notes: [`From the hint to the call: ${withSpread(ownUs(runs))} us (p50 of the same events).`],
  });
}

/** What lies between hint and call, waking left out. */
function ownUs(runs: readonly Run[]): number[] {
  return runs.map((run) => {
    const { heardUs = [], calledUs = [] } = run.get('hotadd') ?? {};
    const own = calledUs.map((us, event) => us - (heardUs[event] ?? Number.NaN));
    return percentile(own, 0.5);
  });
}

await main();
