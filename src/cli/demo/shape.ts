// What a seed decides of the story: sizes, moments, how late hints are, and who misbehaves. Every seed has to
// come true.
import { GiB } from '../../core/bytes.ts';
import type { DeliveryOptions } from '../../testing/delivery-sim.ts';
import { RandomSim } from '../../testing/random-sim.ts';

export interface Shape {
  readonly seed: number;
  readonly random: RandomSim;
  /** Modules that alpha and beta start with. */
  readonly alphaBytes: readonly number[];
  readonly betaBytes: readonly number[];
  readonly delivery: DeliveryOptions;
  /** The drivers of alpha, in the order in which they register. */
  readonly drivers: readonly DriverName[];
  readonly refuser: DriverName;
  readonly hanger: DriverName;
}

export type DriverName = 'pictures' | 'index' | 'sessions' | 'crawler';

const DRIVERS: readonly DriverName[] = ['pictures', 'index', 'sessions', 'crawler'];
const BOOT: readonly (readonly number[])[] = [
  [4 * GiB, 4 * GiB],
  [2 * GiB, 2 * GiB, 2 * GiB, 2 * GiB],
  [8 * GiB],
];

export function shapeOf(seed: number): Shape {
  const random = new RandomSim(seed);
  const [refuser, hanger] = random.chance(0.5)
    ? (['sessions', 'crawler'] as const)
    : (['crawler', 'sessions'] as const);
  return {
    seed,
    random,
    alphaBytes: random.pick(BOOT),
    betaBytes: random.pick(BOOT),
    delivery: {
      delayMs: [0, random.pick([20, 150, 400])],
      duplicated: random.pick([0, 0.1, 0.5]),
      overflowed: random.pick([0, 0.05]),
    },
    drivers: shuffled(DRIVERS, random),
    refuser,
    hanger,
  };
}

function shuffled<Item>(items: readonly Item[], random: RandomSim): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.between(0, left.length - 1), 1));
}
