// A history as data: a partition, its servers, and what happens to them, step by step. Made from a seed
// alone, so that a seed is a history; made of plain steps, so that a failing one can be cut down to the few
// that matter.
import { GiB, MiB } from '../../src/core/bytes.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { BEHAVIOURS, type Behaviour, type ReadBehaviour, type StoreOptions } from './store-sim.ts';

export interface Scenario {
  readonly seed: number;
  readonly partition: 'machine' | 'cgroup';
  readonly bootBytes: number;
  /** Of the cgroup, where that is the partition. */
  readonly limitBytes: number;
  readonly reserveBytes: number | null;
  readonly online: 'off' | 'online' | 'online_movable';
  readonly autoOnline: 'offline' | 'online' | 'online_movable';
  readonly nodes: boolean;
  readonly offlineMs: number;
  readonly onDrift: 'report' | 'reassert';
  readonly stores: readonly (StoreOptions & { readonly weight: number; readonly minBytes: number })[];
  readonly steps: readonly Step[];
}

export type Step = { readonly afterMs: number } & Act;

/**
 * `store` and `module` are indexes, taken modulo what there is. Hints are lost without a word, or told to be.
 */
export type Act =
  | { readonly act: 'add module'; readonly bytes: number; readonly startsBytes: number }
  | { readonly act: 'remove module'; readonly module: number }
  | { readonly act: 'replace module'; readonly module: number }
  | { readonly act: 'bring online' }
  | { readonly act: 'write limit'; readonly bytes: number | 'max'; readonly of: 'own' | 'above' }
  | { readonly act: 'ask for a planned change'; readonly share: number }
  | { readonly act: 'others use'; readonly bytes: number }
  | { readonly act: 'fill'; readonly store: number; readonly bytes: number }
  | { readonly act: 'misbehave'; readonly store: number; readonly as: Behaviour; readonly forMs: number }
  | { readonly act: 'read badly'; readonly store: number; readonly as: ReadBehaviour; readonly forMs: number }
  | { readonly act: 'set by hand'; readonly store: number; readonly bytes: number }
  | { readonly act: 'restart store'; readonly store: number }
  | { readonly act: 'crash'; readonly crossings: number; readonly downMs: number }
  | { readonly act: 'cut power'; readonly crossings: number; readonly downMs: number }
  | { readonly act: 'close agent'; readonly downMs: number }
  | { readonly act: 'files fail'; readonly path: string; readonly code: string; readonly forMs: number }
  | {
      readonly act: 'hints';
      readonly lost: number;
      readonly told: number;
      readonly twice: number;
      readonly lateMs: number;
    }
  | { readonly act: 'disk fails'; readonly code: string; readonly forMs: number }
  | { readonly act: 'visit'; readonly forMs: number; readonly throws: boolean; readonly existing: boolean }
  | { readonly act: 'release'; readonly store: number };

const BLOCK_BYTES = 128 * MiB;
const FAILING = ['/proc/meminfo', 'memory.max', 'memory.current', '/status', 'memory.high', '/sys/devices'];
const STEPS = [4, 12] as const;

export function makeScenario(seed: number): Scenario {
  const random = new RandomSim(seed);
  const partition = random.chance(0.55) ? 'machine' : 'cgroup';
  const bootBytes = random.between(8, 24) * BLOCK_BYTES;
  const limitBytes = random.between(4, 24) * 64 * MiB;
  const usableBytes = partition === 'machine' ? bootBytes : Math.min(limitBytes, bootBytes);
  const count = random.between(1, 4);
  const stores = Array.from({ length: count }, (_, index) => makeStore(random, index, usableBytes / count));
  const length = random.between(...STEPS);
  return {
    seed,
    partition,
    bootBytes,
    limitBytes,
    reserveBytes: random.chance(0.5) ? null : random.between(0, 64) * MiB,
    online: random.pick(['off', 'online', 'online_movable']),
    autoOnline: random.pick(['online', 'online', 'online_movable', 'offline']),
    nodes: random.chance(0.2),
    offlineMs: random.chance(0.3) ? random.between(10, 400) : 0,
    onDrift: random.pick(['report', 'reassert']),
    stores,
    steps: Array.from({ length }, () => ({ afterMs: makeWait(random), ...makeAct(random, usableBytes) })),
  };
}

function makeStore(random: RandomSim, index: number, shareBytes: number) {
  const overheadBytes = random.between(0, 8) * MiB;
  const limitBytes = Math.max(8 * MiB, Math.floor(shareBytes * 0.6 * random.next()));
  const floorBytes = random.chance(0.5) ? 0 : random.between(1, 64) * MiB;
  return {
    name: `store${index + 1}`,
    limitBytes: Math.max(limitBytes, floorBytes),
    overheadBytes,
    floorBytes,
    ceilingBytes: random.chance(0.3) ? floorBytes + random.between(64, 1024) * MiB : null,
    stepBytes: random.pick([1, MiB, 16 * MiB]),
    contentBytes: random.chance(0.5) ? 8 * GiB : random.between(0, 512) * MiB,
    weight: random.pick([1, 1, 2, 5]),
    minBytes: random.chance(0.2) ? random.between(16, 128) * MiB : 0,
  };
}

/** Mostly within what is under way, sometimes long after it. */
function makeWait(random: RandomSim): number {
  const kind = random.next();
  if (kind < 0.35) return random.between(0, 40);
  if (kind < 0.75) return random.between(40, 1_500);
  if (kind < 0.97) return random.between(1_500, 6_000);
  return random.between(6_000, 40_000);
}

type Maker = (random: RandomSim, usableBytes: number) => Act;

const store = (random: RandomSim) => random.between(0, 3);
const some = (random: RandomSim, least: number, most: number) => random.between(least, most) * MiB;

/** How often each happens, against the others. */
const ACTS: readonly (readonly [number, Maker])[] = [
  [10, (random) => makeModule(random)],
  [5, (random) => ({ act: 'remove module', module: random.between(0, 9) })],
  [1, (random) => ({ act: 'replace module', module: random.between(0, 9) })],
  [2, () => ({ act: 'bring online' })],
  [12, (random) => makeLimit(random)],
  [14, (random) => ({ act: 'ask for a planned change', share: 0.4 + random.next() * 1.2 })],
  [6, (random, usable) => ({ act: 'others use', bytes: Math.floor(usable * random.next() * 0.5) })],
  [6, (random) => ({ act: 'fill', store: store(random), bytes: some(random, 0, 4096) })],
  [22, (random) => makeMisbehaviour(random)],
  [4, (random) => makeBadReading(random)],
  [3, (random) => ({ act: 'set by hand', store: store(random), bytes: some(random, 64, 1024) })],
  [3, (random) => ({ act: 'restart store', store: store(random) })],
  [6, (random) => ({ act: 'crash', crossings: random.between(0, 60), downMs: random.between(0, 3_000) })],
  [1, (random) => ({ act: 'cut power', crossings: random.between(0, 30), downMs: random.between(0, 3_000) })],
  [2, (random) => ({ act: 'close agent', downMs: random.between(0, 2_000) })],
  [4, (random) => makeFailingFiles(random)],
  [3, (random) => makeHints(random)],
  [
    2,
    (random) => ({
      act: 'disk fails',
      code: random.pick(['ENOSPC', 'EIO']),
      forMs: random.between(50, 4_000),
    }),
  ],
  [
    4,
    (random) => ({
      act: 'visit',
      forMs: random.between(0, 4_000),
      throws: random.chance(0.3),
      existing: random.chance(0.5),
    }),
  ],
  [1, (random) => ({ act: 'release', store: store(random) })],
];
const WEIGHTS = ACTS.reduce((total, [weight]) => total + weight, 0);

function makeAct(random: RandomSim, usableBytes: number): Act {
  let at = random.next() * WEIGHTS;
  for (const [weight, make] of ACTS) {
    at -= weight;
    if (at < 0) return make(random, usableBytes);
  }
  return { act: 'bring online' };
}

function makeModule(random: RandomSim): Act {
  const bytes = random.between(1, 8) * BLOCK_BYTES;
  const startsBytes = random.chance(0.8) ? bytes : Math.floor(bytes * random.next());
  return { act: 'add module', bytes, startsBytes };
}

function makeLimit(random: RandomSim): Act {
  const bytes = random.chance(0.1) ? 'max' : some(random, 160, 3_072);
  return { act: 'write limit', bytes, of: random.chance(0.75) ? 'own' : 'above' };
}

function makeMisbehaviour(random: RandomSim): Act {
  const forMs = random.chance(0.8) ? random.between(500, 15_000) : random.between(15_000, 60_000);
  return { act: 'misbehave', store: store(random), as: random.pick(BEHAVIOURS), forMs };
}

function makeBadReading(random: RandomSim): Act {
  const as = random.pick(['fail', 'hang', 'late'] as const);
  return { act: 'read badly', store: store(random), as, forMs: random.between(50, 8_000) };
}

function makeFailingFiles(random: RandomSim): Act {
  const code = random.pick(['EIO', 'EACCES']);
  return { act: 'files fail', path: random.pick(FAILING), code, forMs: random.between(50, 6_000) };
}

function makeHints(random: RandomSim): Act {
  const lost = random.chance(0.5) ? random.next() : 0;
  const told = random.chance(0.3) ? random.next() : 0;
  const twice = random.chance(0.5) ? random.next() : 0;
  return { act: 'hints', lost, told, twice, lateMs: random.chance(0.7) ? random.between(0, 2_000) : 0 };
}
