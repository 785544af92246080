// Walks a world through the steps of its scenario, lets the faults stop, and waits until it has come to rest.
import { differing, survey } from '../../src/core/survey.ts';
import { playStep } from './acts.ts';
import type { Scenario } from './scenario.ts';
import { describe } from './sentence.ts';
import type { Ending, Fact, Trace } from './trace.ts';
import { World } from './world.ts';

/** After the faults stop: drift passes come every three minutes, and unmanaged use presses after one. */
const REST_WITHIN_MS = 420_000;
const LOOK_MS = 5_000;
/** A module that is being taken out goes on going. */
const TAKING_MS = 100;
/** By how much memory grows at last. */
const LAST_BYTES = 512 * 1024 ** 2;

export async function runScenario(
  scenario: Scenario,
  log: ((line: string) => void) | null = null,
): Promise<Trace> {
  const world = new World(scenario);
  world.log = log;
  for (const line of log === null ? [] : describe(scenario)) log?.(line);
  world.start();
  for (const step of scenario.steps) {
    await world.clock.advance(step.afterMs);
    playStep(world, step);
  }
  await world.clock.advance(200);
  const ending = await end(world);
  return { facts: world.facts, ending };
}

async function end(world: World): Promise<Ending> {
  const { clock } = world;
  world.calm();
  if (world.life === null) world.start();
  while (world.isBeingTaken) await clock.advance(TAKING_MS);
  changeOnceMore(world);
  const from = world.facts.length;
  const until = world.nowMs + REST_WITHIN_MS;
  let restless = 'the agent is not open';
  let passes: number | null = null;
  while (passes === null && world.nowMs < until) {
    await clock.advance(LOOK_MS);
    if (world.life === null) world.start();
    restless = await whatIsRestless(world);
    if (restless === '') passes = count(world, from, 'outcome');
  }
  if (passes === null && world.isHopeless) passes = 0;
  if (world.agent !== null) await clock.until(world.close());
  const { history, untold } = await clock.until(world.readHistory());
  const truths = new Map(world.stores.map((store) => [store.name, store.truths]));
  const killed = count(world, from, 'killed');
  return { passes, killed, restless, truths, history, untold };
}

function count({ facts }: World, from: number, name: Fact['fact']): number {
  return facts.slice(from).filter(({ fact }) => fact === name).length;
}

/** A driver is left as found until memory changes: the last change makes all of them follow. */
function changeOnceMore({ partition, server, scenario, cgroup }: World): void {
  if (scenario.partition === 'machine') {
    if (partition.machine.memory.declaredFreeBytes >= LAST_BYTES) server.hotAdd(LAST_BYTES, partition);
    return;
  }
  const limit = partition.machine.software.cgroups.get(cgroup)?.maxBytes;
  if (limit === undefined || limit === 'max') return;
  partition.machine.writeText(`/sys/fs/cgroup${cgroup}/memory.max`, String(limit + LAST_BYTES));
}

/** What is not as the plan would have it; empty: nothing, the world is at rest. */
async function whatIsRestless(world: World): Promise<string> {
  const { agent } = world;
  if (agent === null) return `the agent is not open: ${world.openError}`;
  const { notifier } = agent.partition;
  if (notifier.state !== 'idle') return `it is ${notifier.state}`;
  const look = await world.clock.until(survey(notifier.seams, { repair: true }));
  if (look.memory.stale.length > 0) return `stale: ${look.memory.stale[0]?.reading}`;
  const errors = look.readings.flatMap(({ member, error }) =>
    error === null ? [] : [`${member.name}: ${error}`],
  );
  return [...errors, differing(look)].filter((text) => text !== '').join('; ');
}
