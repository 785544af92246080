// Every scenario comes true with every seed, the same seed is the same story, and a claim that is not true is
// found out: what each claim is about is broken on purpose.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GiB } from '../../core/bytes.ts';
import { play } from './play.ts';
import { SCENARIO_NAMES, type ScenarioName } from './scenario-names.ts';
import { SCENARIOS, type Scene } from './scenarios.ts';
import type { Step } from './step.ts';
import { stepText } from './step-text.ts';

const plain = (_style: string, text: string) => text;

async function playOf(
  name: ScenarioName,
  { seed = 1, broken, rssBytes }: { seed?: number; broken?: Scene; rssBytes?: () => number } = {},
) {
  const steps: Step[] = [];
  const scenario = SCENARIOS[name];
  const [first, ...others] = scenario.scenes;
  const scenes = broken === undefined || first === undefined ? scenario.scenes : [first, broken, ...others];
  const emit = (step: Step) => steps.push(step);
  const passed = await play(
    { ...scenario, scenes },
    { name, seed, emit, ...(rssBytes === undefined ? {} : { rssBytes }) },
  );
  const lines = steps.flatMap((step) => stepText(step, plain));
  const untrue = steps.filter(({ step, data }) => step === 'claim' && data?.holds !== true);
  return { passed, steps, lines, untrue: untrue.map(({ text }) => text) };
}

/** RSS and real time are those of the run. */
function toldAlike({ steps }: { steps: readonly Step[] }): string[] {
  return steps.flatMap((step) => {
    if (step.step === 'witness') return [];
    return stepText({ ...step, text: step.text.replace(/in [\d.]+ s$/, '') }, plain);
  });
}

describe('demo: scenarios', () => {
  for (const name of SCENARIO_NAMES) {
    test(`demo: ${name} comes true with several seeds, at 80 columns`, async () => {
      for (const seed of [0, 1, 7, 42, 2 ** 40]) {
        const { passed, untrue, lines, steps } = await playOf(name, { seed });
        assert.deepEqual({ passed, untrue }, { passed: true, untrue: [] }, `seed ${seed}`);
        assert.ok(steps.filter(({ step }) => step === 'claim').length >= 4);
        for (const line of lines) assert.ok(line.length <= 80, line);
        assert.ok(lines.length <= 92, `${lines.length} lines`);
      }
    });
  }

  test('demo: the page has claims to each of its six statements', async () => {
    const { steps } = await playOf('page');
    const statements = steps.filter(({ step }) => step === 'statement').map(({ data }) => data?.statement);
    assert.deepEqual(statements, [1, 2, 3, 4, 5, 6]);
  });

  test('demo: the same seed is the same story, and another one another', async () => {
    const first = toldAlike(await playOf('page', { seed: 3 }));
    assert.deepEqual(toldAlike(await playOf('page', { seed: 3 })), first);
    assert.notDeepEqual(toldAlike(await playOf('page', { seed: 4 })), first);
  });

  test('demo: nothing waits for real time', async () => {
    const { steps } = await playOf('hangs');
    const last = steps.at(-1);
    assert.ok(Number(last?.atMs) > 30_000, 'a hang is waited for');
    assert.ok(Number(last?.data?.tookMs) < 5_000, 'and not in real time');
  });
});

const BROKEN: readonly [ScenarioName, what: string, broken: Scene, untrue: RegExp][] = [
  [
    'two-partitions',
    'beta is given a module too',
    async ({ server, beta }) => void server.hotAdd(4 * GiB, beta.sim),
    /^beta has 12 GiB as before/,
  ],
  [
    'two-partitions',
    'legacy grows',
    async ({ clock, legacy }) => void clock.after(3_800, () => legacy.use(GiB)),
    /^all that registered were told/,
  ],
  [
    'two-partitions',
    'a driver hangs',
    async (world) => {
      world.cache('index').temper = 'hangs';
    },
    /^each move is proven/,
  ],
  [
    'refuses',
    'another driver refuses as well',
    async (world) => {
      world.cache('index').temper = 'refuses';
    },
    /^an arrival cannot be vetoed/,
  ],
  [
    'hangs',
    'its call returns after all',
    async (world) => void world.clock.after(9_000, () => world.cache(world.shape.hanger).release()),
    /^it delays nobody else/,
  ],
  [
    'hot-replace',
    'a module comes at the same time',
    async ({ server, alpha, clock }) => void clock.after(7_500, () => server.hotAdd(4 * GiB, alpha.sim)),
    /^it is no change/,
  ],
  [
    'parked',
    'a module comes at the same time',
    async ({ server, alpha, clock }) => void clock.after(7_500, () => server.hotAdd(4 * GiB, alpha.sim)),
    /^no memory came/,
  ],
  [
    'pools',
    'a pool had another size at start',
    async ({ poolsAtStart }) => void poolsAtStart.set('paged', GiB),
    /^both are as at start/,
  ],
  [
    'planned-shrink',
    'a driver does not give back',
    async (world) => {
      world.clock.after(10_000, () => {
        world.cache('index').temper = 'refuses';
      });
    },
    /^all had been below their budgets/,
  ],
  [
    'windows',
    'a module comes at the same time',
    async ({ server, alpha, clock }) => void clock.after(33_000, () => server.hotAdd(4 * GiB, alpha.sim)),
    /^on Windows memory only grows/,
  ],
  [
    'static',
    'a driver is asked all the same',
    async (world) =>
      void world.clock.after(5_000, () => {
        world.cache('index').requests += 1;
      }),
    /^alpha has .* as before/,
  ],
];

describe('demo: a claim that is not true fails the demo', () => {
  for (const [name, what, broken, wanted] of BROKEN) {
    test(`demo: ${name}: ${what}`, async () => {
      const { passed, untrue, lines } = await playOf(name, { broken });
      assert.equal(passed, false);
      assert.ok(
        untrue.some((text) => wanted.test(text)),
        untrue.join('\n'),
      );
      assert.ok(lines.some((line) => line.startsWith('  FALSE (')));
      assert.match(lines.join('\n'), /\d+ of \d+ claims FALSE/);
    });
  }

  test('demo: RSS that does not follow', async () => {
    const { passed, untrue } = await playOf('planned-shrink', { rssBytes: () => 1e8 });
    assert.equal(passed, false);
    const text = 'RSS, which hotadd never counts with, follows what pictures holds';
    assert.deepEqual(untrue, [text, text]);
  });
});
