// Walks a world through the steps of its scenario, lets the faults stop, and waits until it has come to rest.
import { codeOf, HotaddError } from '../../src/core/errors.ts';
import { differing, survey } from '../../src/core/survey.ts';
import type { ModuleSim } from '../../src/testing/module-sim.ts';
import type { Act, Scenario, Step } from './scenario.ts';
import type { StoreSim } from './store-sim.ts';
import type { Ending, Fact, Trace } from './trace.ts';
import { Visitor } from './visitor.ts';
import { World } from './world.ts';

/** After the faults stop: drift passes come every three minutes, and unmanaged use presses after one. */
const REST_WITHIN_MS = 420_000;
const LOOK_MS = 5_000;
/** By how much memory grows at last. */
const LAST_BYTES = 512 * 1024 ** 2;

export async function runScenario(
  scenario: Scenario,
  log: ((line: string) => void) | null = null,
): Promise<Trace> {
  const world = new World(scenario);
  world.log = log;
  world.start();
  for (const step of scenario.steps) {
    await world.clock.advance(step.afterMs);
    play(world, step);
  }
  await world.clock.advance(200);
  const ending = await end(world);
  return { facts: world.facts, ending };
}

function play(world: World, { afterMs: _, ...act }: Step): void {
  world.say(`--- ${Object.values(act).join(' ')}`);
  const { partition, server, stores, clock } = world;
  const storeAt = (index: number): StoreSim | undefined => stores[index % stores.length];
  const players: { [Name in Act['act']]: (given: Extract<Act, { act: Name }>) => void } = {
    'add module': ({ bytes, startsBytes }) => {
      const module = server.module(bytes, { startsBytes });
      if (bytes > partition.machine.memory.declaredFreeBytes) return;
      server.hotAdd(module, partition);
      world.added.push(module);
    },
    'remove module': ({ module }) => {
      const found = moduleAt(world, module);
      if (found !== undefined) void world.takingMemory(server.hotRemove(found));
    },
    'replace module': ({ module }) => {
      const found = moduleAt(world, module);
      if (found === undefined || server.serviceProcessor.ownerOf(found) === null) return;
      const spare = server.module(found.sizeBytes);
      server.hotReplace(found, spare);
      world.added.push(spare);
    },
    'bring online': () => bringOnline(world),
    'write limit': ({ bytes, of }) => writeLimit(world, bytes, of),
    'ask for a planned change': ({ share }) => askForChange(world, share),
    'others use': ({ bytes }) => world.others?.use(bytes),
    fill: ({ store, bytes }) => {
      const found = storeAt(store);
      if (found === undefined) return;
      found.contentBytes = bytes;
      found.settle();
    },
    misbehave: ({ store, as, forMs }) => {
      const found = storeAt(store);
      if (found === undefined) return;
      found.behaviour = as;
      clock.after(forMs, () => {
        found.behaviour = 'obey';
        found.release();
      });
    },
    'read badly': ({ store, as, forMs }) => {
      const found = storeAt(store);
      if (found === undefined) return;
      found.reading = as;
      clock.after(forMs, () => {
        found.reading = 'answer';
        found.release();
      });
    },
    'set by hand': ({ store, bytes }) => {
      const found = storeAt(store);
      if (found === undefined) return;
      found.limitBytes = bytes;
      found.settle();
    },
    'restart store': ({ store }) => {
      const found = storeAt(store);
      found?.process?.end();
      if (found !== undefined) world.startStore(found);
    },
    crash: ({ crossings, downMs }) => world.kill(crossings, downMs, false),
    'cut power': ({ crossings, downMs }) => world.kill(crossings, downMs, true),
    'close agent': ({ downMs }) => {
      void world.close().then(() => clock.after(downMs, () => world.start()));
    },
    'files fail': ({ path, code, forMs }) => {
      partition.machine.fails = (file) => (file.includes(path) ? code : undefined);
      clock.after(forMs, () => {
        partition.machine.fails = null;
      });
    },
    hints: ({ lost, twice, lateMs }) => {
      partition.delivery.options = {
        lost,
        duplicated: twice,
        ...(lateMs > 0 ? { delayMs: [0, lateMs] } : {}),
      };
    },
    'disk fails': ({ code, forMs }) => {
      world.disk.fails = code;
      clock.after(forMs, () => {
        world.disk.fails = null;
      });
    },
    visit: (visit) => new Visitor(world, visit),
    release: ({ store }) => {
      const name = storeAt(store)?.name ?? '';
      void world.agent?.release(name).catch(() => undefined);
    },
  };
  const player = players[act.act] as (given: typeof act) => void;
  player(act);
}

function moduleAt({ added }: World, index: number): ModuleSim | undefined {
  return added[index % Math.max(1, added.length)];
}

function bringOnline({ partition: { machine } }: World): void {
  for (const [block, { state }] of machine.memory.blocks)
    if (state === 'offline') machine.writeText(`/sys/devices/system/memory/memory${block}/state`, 'online');
}

function writeLimit(
  { partition: { machine }, scenario, cgroup }: World,
  bytes: number | 'max',
  of: 'own' | 'above',
): void {
  if (scenario.partition !== 'cgroup') return;
  const path = of === 'own' ? cgroup : cgroup.slice(0, cgroup.lastIndexOf('/'));
  machine.writeText(`/sys/fs/cgroup${path}/memory.max`, String(bytes));
}

function askForChange(world: World, share: number): void {
  const { agent, life } = world;
  const usable = agent?.partition.memory.usableBytes ?? null;
  if (agent === null || usable === null) return;
  agent.resize(Math.floor(usable * share)).catch((thrown: unknown) => {
    if (life?.dead) return;
    const code = thrown instanceof HotaddError ? thrown.code : (codeOf(thrown) ?? String(thrown));
    world.tell({ fact: 'planned change refused', code });
    world.say(`the planned change is refused: ${String(thrown)}`);
  });
}

async function end(world: World): Promise<Ending> {
  const { clock } = world;
  world.calm();
  if (world.life === null) world.start();
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
