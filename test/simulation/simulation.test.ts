// The simulation as a test: many seeds, every invariant, each bug on purpose caught, a seed the same history
// again, a failing one cut down. A seed that breaks an invariant prints the command that replays it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CANARIES } from './canaries.ts';
import { INVARIANTS } from './invariants.ts';
import { playAll } from './many.ts';
import { playScenario, playSeeds } from './play.ts';
import { runScenario } from './run.ts';
import { makeScenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { emptyTally, unmet } from './tally.ts';

const SEEDS = 10_000;
const CANARY_SEEDS = 1_000;

test(`simulation: every invariant holds over ${SEEDS} seeds, and they met what matters`, async () => {
  const { broken, tally } = await playAll({ first: 1, seeds: SEEDS, workers: 1 });
  const told = broken.map(({ seed, problem }) => `${problem}; npm run sim -- --seed ${seed}`);
  assert.deepEqual(told, []);
  assert.deepEqual(unmet(tally), []);
});

test('simulation: a run without shrinks, refusals, partial ends, crashes and interruptions says so', () => {
  const missing = unmet({ ...emptyTally(), growths: 1 });
  for (const met of [
    'shrinks',
    'refusals of drivers',
    'partial ends',
    'crashes',
    'interrupted intents',
  ] as const)
    assert.ok(missing.includes(met), met);
  assert.ok(!missing.includes('growths'));
});

describe('simulation: each invariant catches a bug on purpose', () => {
  test('simulation: every invariant has a canary', () => {
    assert.deepEqual(
      CANARIES.map(({ invariant }) => invariant).sort(),
      INVARIANTS.map(({ name }) => name).sort(),
    );
  });
  for (const { invariant, bug, plant } of CANARIES) {
    test(`simulation: "${invariant}" catches that ${bug}`, async () => {
      const remove = plant();
      const { broken } = await playSeeds(1, CANARY_SEEDS, { most: 1, only: invariant }).finally(remove);
      assert.equal(broken[0]?.invariant, invariant, `not caught within ${CANARY_SEEDS} seeds`);
    });
  }
});

async function played(seed: number) {
  const lines: string[] = [];
  const { facts } = await runScenario(makeScenario(seed), (line) => lines.push(line));
  return { lines, facts: JSON.stringify(facts) };
}

test('simulation: one seed is one history, to the byte', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const [one, other] = [await played(seed), await played(seed)];
    assert.deepEqual(one.lines, other.lines, `seed ${seed}`);
    assert.equal(one.facts, other.facts, `seed ${seed}`);
  }
});

test('simulation: a failing history is cut down to the steps that matter, and still fails', async () => {
  const canary = CANARIES.find(({ invariant }) => invariant === 'ending');
  assert.ok(canary);
  const remove = canary.plant();
  try {
    const { broken } = await playSeeds(1, CANARY_SEEDS, { most: 1, only: 'ending' });
    const scenario = makeScenario(broken[0]?.seed ?? 0);
    const fails = async (one: typeof scenario) => (await playScenario(one, undefined, 'ending')) !== null;
    const short = await shrink(scenario, fails);
    assert.ok(
      short.steps.length < scenario.steps.length,
      `${short.steps.length} of ${scenario.steps.length}`,
    );
    assert.ok(short.steps.length <= 4, `${short.steps.length} steps`);
    assert.ok(await fails(short));
  } finally {
    remove();
  }
});
