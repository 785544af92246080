// Sequences of additions, removals and limits by a seeded die, with the agent inside. After every step what
// it reads is what the files say, read from outside; and each change of usable memory is reported exactly
// once. One of them again, told in full:
//
//   HOTADD_LAB_SEED=17 node --test lab/scenarios/random-sequences.test.ts
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { DEAD_BAND } from '../../src/core/plan.ts';
import type { MemoryModule, Vm } from '../index.ts';
import { APP, OUTER, openFollowedGroup, usableByFiles } from './cgroup.ts';
import { type GuestAgent, needsLab, rounds } from './guest.ts';

const STEPS = 8;
const MODULES_MOST = 6;
/** The files whose smallest value is usable memory (S1), beside MemTotal. */
const LIMITS = [`${APP}/memory.max`, `${APP}/memory.high`, `${OUTER}/memory.max`, `${OUTER}/memory.high`];

interface World {
  readonly vm: Vm;
  readonly agent: GuestAgent;
  readonly modules: MemoryModule[];
  readonly pick: <Value>(from: readonly Value[]) => Value;
  readonly log: string[];
}

/** What a step does; it resolves with what was done, for the log. */
type Step = (world: World) => Promise<string>;

const add: Step = async ({ vm, modules, pick }) => {
  if (modules.length === MODULES_MOST) return 'no free slot';
  const bytes = pick([1, 2, 3, 4, 8]) * 128 * MiB;
  modules.push(await vm.addModule(bytes));
  return `a module of ${bytes / MiB} MiB is added`;
};

const remove: Step = async ({ vm, modules, pick }) => {
  if (modules.length === 0) return 'no module to remove';
  const module = pick(modules);
  const removal = await vm.removeModule(module);
  if (!removal.removed) return `the guest keeps ${module.id} (${removal.status})`;
  modules.splice(modules.indexOf(module), 1);
  return `${module.id} of ${module.sizeBytes / MiB} MiB is removed`;
};

const limit: Step = async ({ vm, pick }) => {
  const file = pick(LIMITS);
  const value = pick(['max', 160, 200, 256, 300, 384, 512, 700, 1024, 1500]);
  const text = value === 'max' ? 'max' : String(Number(value) * MiB);
  await vm.write(file, text);
  return `${file} is ${value}`;
};

const planned: Step = async ({ agent, pick }) => {
  const toBytes = pick([160, 224, 320, 640, 900]) * MiB;
  const { result } = await agent.resize(toBytes);
  return `hotadd resize ${toBytes / MiB} MiB: ${result}`;
};

const DIE: readonly Step[] = [add, add, add, remove, remove, limit, limit, limit, planned];

test('random sequences: what is reported is what is, and every change exactly once', needsLab, async (t) => {
  const one = process.env.HOTADD_LAB_SEED;
  const seeds = one === undefined ? Array.from({ length: rounds(3, 100) }, (_, at) => at + 1) : [Number(one)];
  for (const seed of seeds) await t.test(`seed ${seed}`, (each) => play(each, seed));
});

async function play(t: TestContext, seed: number): Promise<void> {
  const { vm, agent } = await openFollowedGroup(t, { online: 'online_movable' });
  const pick = die(seed);
  const world: World = { vm, agent, modules: [], pick, log: [] };
  let reported = agent.outcomes.length;
  let plannedFor = (await agent.memory()).usableBytes ?? 0;
  for (let step = 1; step <= STEPS; step += 1) {
    const before = plannedFor;
    world.log.push(`${step}. ${await pick(DIE)(world)}`);
    try {
      const usable = await usableByFiles(vm);
      const memory = await agent.usable(usable);
      assert.equal(memory.onlineBytes, await vm.memTotalBytes());
      plannedFor = await settled(world, reported, before, usable);
      checkChain(agent, reported, before, plannedFor);
      reported = agent.outcomes.length;
    } catch (error) {
      throw new Error(`seed ${seed}:\n${told(world, error)}`, { cause: error });
    }
  }
  // One more: whatever was reported late, or twice, would be in front of it.
  await vm.write(`${APP}/memory.max`, String(150 * MiB));
  const last = await agent.outcome(reported + 1);
  assert.deepEqual([last.change.fromBytes, last.change.toBytes], [plannedFor, 150 * MiB], told(world, ''));
  if (process.env.HOTADD_LAB_SEED !== undefined) t.diagnostic(world.log.join('\n'));
}

/** Waits for the report of the step; growth within the dead-band is none (S4). Resolves with the amount. */
async function settled(
  { vm, agent }: World,
  reported: number,
  before: number,
  usable: number,
): Promise<number> {
  const isInBand = usable >= before && usable - before < before * DEAD_BAND;
  if (isInBand && agent.outcomes.length === reported) return before;
  const last = async () => agent.outcomes.slice(reported).at(-1)?.usableBytes ?? null;
  await vm.until(`a change to ${usable} is reported`, last, (toBytes) => toBytes === usable);
  return usable;
}

/**
 * Reports follow each other without a gap or a repetition, and in one direction. A planned change may leave
 * usable memory as it was: when it fails, or when something else binds.
 */
function checkChain(agent: GuestAgent, reported: number, before: number, after: number): void {
  let from = before;
  for (const { change, usableBytes } of agent.outcomes.slice(reported)) {
    const to = change.origin === 'planned' ? usableBytes : change.toBytes;
    assert.equal(change.fromBytes, from, JSON.stringify(change));
    if (change.origin === 'observed') assert.notEqual(to, from, JSON.stringify(change));
    if (to !== from) assert.equal((to ?? 0) > from, after > before, JSON.stringify(change));
    from = to ?? 0;
  }
  assert.equal(from, after);
}

function told({ log, agent }: World, error: unknown): string {
  const reports = agent.outcomes.map(({ report, reason }) => `   ${report}${reason ? ` (${reason})` : ''}`);
  return [...log, 'reported:', ...reports, String(error)].join('\n');
}

/** mulberry32: small, and the same on every machine. */
function die(seed: number): <Value>(from: readonly Value[]) => Value {
  let state = seed;
  return <Value>(from: readonly Value[]): Value => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const share = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return from[Math.floor(share * from.length)] as Value;
  };
}
