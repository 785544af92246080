// The part of server.bench.ts that is about plans: those of a partition of the simulated server, for three
// counts of drivers, from what production code has read of them.
import { buffers } from '../src/buffers/buffers.ts';
import { MiB } from '../src/core/bytes.ts';
import { defaultReserveBytes, type PlanInput, plan } from '../src/core/plan.ts';
import type { Survey } from '../src/core/survey.ts';
import { RandomSim } from '../src/testing/random-sim.ts';
import { LargeServer } from '../test/large-server.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish } from './report.ts';

const DRIVERS = [125, 1_250, 12_500];
const MODULES = 4_096;
/** Short ones are measured over as many plans as make up so many drivers. */
const DRIVERS_A_RUN = 25_000;
const nLogN = (count: number) => count * Math.log2(count);

interface Subject {
  readonly count: number;
  readonly large: LargeServer;
  readonly input: PlanInput;
  readonly pairs: readonly { level: number; slope: number }[];
  readonly lookMs: number[];
  readonly planMs: number[];
  readonly sortMs: number[];
}

/** Drivers with weights, maxima and ceilings of all sizes, so that there is something to sort. */
async function subjectOf(count: number): Promise<Subject> {
  const random = new RandomSim(count);
  const large = await LargeServer.open({ modules: MODULES });
  const { partition, sim } = large.first;
  const evenBytes = sim.onlineBytes / count;
  for (let index = 0; index < count; index += 1) {
    const sizeBytes = Math.floor(random.next() * evenBytes * 0.5);
    const ceiling = random.chance(0.5) ? { ceiling: sizeBytes + Math.floor(random.next() * evenBytes) } : {};
    const max = random.chance(0.5) ? { max: sizeBytes + Math.floor(random.next() * evenBytes) } : {};
    const driver = buffers(`driver ${index}`, { size: () => sizeBytes, resize: () => undefined, ...ceiling });
    partition.register(driver, { weight: 0.1 + random.next() * 10, min: 8 * MiB, ...max });
  }
  const pairs = Array.from({ length: 2 * count }, () => ({ level: random.next(), slope: random.next() }));
  const input = inputOf(await large.clock.until(partition.plan()));
  return { count, large, input, pairs, lookMs: [], planMs: [], sortMs: [] };
}

/** What the plan of a look was made from. */
function inputOf({ memory, readings }: Survey): PlanInput {
  const usableBytes = memory.usableBytes ?? 0;
  return {
    levels: [{ name: 'machine', limitBytes: usableBytes, unmanagedBytes: 0 }],
    usableBytes,
    cpus: 2,
    reserveBytes: defaultReserveBytes(usableBytes),
    drivers: readings.map(({ member: { name, policy }, state }) => ({
      name,
      weight: policy.weight ?? 1,
      minBytes: typeof policy.min === 'number' ? policy.min : 0,
      maxBytes: typeof policy.max === 'number' ? policy.max : null,
      floorBytes: state?.floorBytes ?? 0,
      ceilingBytes: state?.ceilingBytes ?? null,
      stepBytes: state?.stepBytes ?? 1,
      costBytes: state?.costBytes ?? 0,
      committedBytes: state?.heldBytes ?? 0,
      frozen: null,
      why: {},
    })),
    growthHeld: null,
    pressed: true,
  };
}

async function measure({ count, large, input, pairs, lookMs, planMs, sortMs }: Subject): Promise<void> {
  const times = DRIVERS_A_RUN / count;
  const msOf = async (work: () => unknown) => {
    const startMs = performance.now();
    for (let index = 0; index < times; index += 1) await work();
    return (performance.now() - startMs) / times;
  };
  lookMs.push(await msOf(() => large.first.partition.plan()));
  planMs.push(await msOf(() => plan(input)));
  sortMs.push(await msOf(() => [...pairs].sort((one, other) => one.level - other.level)));
}

const nsOf = (subject: Subject | undefined, ms: number) => (ms * 1e6) / nLogN(subject?.count ?? 1);

function rowOf(subject: Subject, before: Subject | undefined): string[] {
  const { count, planMs, sortMs, lookMs } = subject;
  const times =
    before === undefined ? [] : [median(planMs) / median(before.planMs), nLogN(count) / nLogN(before.count)];
  const [growth = '', growthOfNLogN = ''] = times.map((each) => `${digits(each)} x`);
  return [
    count.toLocaleString('en'),
    withSpread(planMs),
    digits(nsOf(subject, median(planMs))),
    growth,
    growthOfNLogN,
    `${digits(median(planMs) / median(sortMs))} x`,
    withSpread(sortMs),
    withSpread(lookMs),
    digits((median(lookMs) * 1e3) / count),
  ];
}

export async function publishPlans(runs: number): Promise<void> {
  const subjects: Subject[] = [];
  for (const count of DRIVERS) subjects.push(await subjectOf(count));
  for (let run = -1; run < runs; run += 1) {
    for (const subject of subjects) {
      await measure(subject);
      if (run < 0) for (const times of [subject.lookMs, subject.planMs, subject.sortMs]) times.length = 0;
    }
  }
  for (const { large } of subjects) await large.close();
  const [first] = subjects;
  const last = subjects.at(-1);
  publish({
    title: 'A large server: planning a hot add',
    about:
      'A plan for the drivers of one partition of 4,096 modules, with weights, minima, maxima and ' +
      'ceilings of all sizes: the plan alone, the whole look (every driver is read, memory is sensed, and ' +
      `planned for), and a sort of as many pairs as the plan has points. ${runs} runs, all sizes in turn.`,
    columns: [
      'drivers',
      'plan, ms',
      'ns per n log2 n',
      'growth',
      'growth of n log n',
      'of the sort',
      'sort of 2n pairs, ms',
      'whole look, ms',
      'look, us per driver',
    ],
    rows: subjects.map((subject, index) => rowOf(subject, subjects[index - 1])),
    bars: [
      {
        what: 'plan per n log n, 12,500 drivers / 125',
        unit: 'x',
        runs: (last?.planMs ?? []).map((ms, run) => nsOf(last, ms) / nsOf(first, first?.planMs[run] ?? 0)),
        atMost: 2,
      },
    ],
    notes: [],
  });
}
