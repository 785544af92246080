// What happens in a history, each act as it is done to a world. scenario.ts says how often each comes.
import { codeOf, HotaddError } from '../../src/core/errors.ts';
import type { ModuleSim } from '../../src/testing/module-sim.ts';
import type { Act, Step } from './scenario.ts';
import { sentenceOf } from './sentence.ts';
import type { StoreSim } from './store-sim.ts';
import { Visitor } from './visitor.ts';
import type { World } from './world.ts';

type Acts = { readonly [Name in Act['act']]: (world: World, given: Extract<Act, { act: Name }>) => void };

export function playStep(world: World, { afterMs: _, ...act }: Step): void {
  if (world.log !== null) world.say(`--- ${sentenceOf(act, world.scenario)}`);
  const play = ACTS[act.act] as (world: World, given: Act) => void;
  play(world, act);
}

const ACTS: Acts = {
  'add module': (world, { bytes, startsBytes }) => {
    const { server, partition } = world;
    const module = server.module(bytes, { startsBytes });
    if (!partition.machine.memory.hasRange(bytes / partition.machine.memory.blockBytes)) return;
    server.hotAdd(module, partition);
    world.added.push(module);
  },
  'remove module': (world, { module }) => {
    const found = moduleAt(world, module);
    if (found !== undefined) void world.takingMemory(world.server.hotRemove(found));
  },
  'replace module': (world, { module }) => {
    const { server, added } = world;
    const found = moduleAt(world, module);
    if (found === undefined || server.serviceProcessor.ownerOf(found) === null) return;
    const spare = server.module(found.sizeBytes);
    try {
      server.hotReplace(found, spare);
    } catch {
      return; // It is being removed.
    }
    added.push(spare);
  },
  'bring online': ({ partition: { machine } }) => {
    for (const [block, { state }] of machine.memory.blocks)
      if (state === 'offline') machine.writeText(`/sys/devices/system/memory/memory${block}/state`, 'online');
  },
  'write limit': ({ partition: { machine }, scenario, cgroup }, { bytes, of }) => {
    if (scenario.partition !== 'cgroup') return;
    const path = of === 'own' ? cgroup : cgroup.slice(0, cgroup.lastIndexOf('/'));
    machine.writeText(`/sys/fs/cgroup${path}/memory.max`, String(bytes));
  },
  'ask for a planned change': askForChange,
  'others use': ({ others }, { bytes }) => others?.use(bytes),
  fill: (world, { store, bytes }) => {
    const found = storeAt(world, store);
    found.contentBytes = bytes;
    found.settle();
  },
  misbehave: (world, { store, as, forMs }) => {
    const found = storeAt(world, store);
    found.behaviour = as;
    world.clock.after(forMs, () => {
      found.behaviour = 'obey';
      found.release();
    });
  },
  'read badly': (world, { store, as, forMs }) => {
    const found = storeAt(world, store);
    found.reading = as;
    world.clock.after(forMs, () => {
      found.reading = 'answer';
      found.release();
    });
  },
  'set by hand': (world, { store, bytes }) => {
    const found = storeAt(world, store);
    found.limitBytes = bytes;
    found.settle();
  },
  'restart store': (world, { store }) => {
    const found = storeAt(world, store);
    found.process?.end();
    world.startStore(found);
  },
  crash: (world, { crossings, downMs }) => world.kill(crossings, downMs, false),
  'cut power': (world, { crossings, downMs }) => world.kill(crossings, downMs, true),
  'close agent': (world, { downMs }) => {
    void world.close().then(() => world.clock.after(downMs, () => world.start()));
  },
  'files fail': ({ partition: { machine }, clock }, { path, code, forMs }) => {
    machine.fails = (file) => (file.includes(path) ? code : undefined);
    clock.after(forMs, () => {
      machine.fails = null;
    });
  },
  hints: ({ partition }, { lost, told, twice, lateMs }) => {
    const late = lateMs > 0 ? { delayMs: [0, lateMs] as const } : {};
    partition.delivery.options = { lost, overflowed: told, duplicated: twice, ...late };
  },
  'disk fails': ({ disk, clock }, { code, forMs }) => {
    disk.fails = code;
    clock.after(forMs, () => {
      disk.fails = null;
    });
  },
  visit: (world, visit) => {
    if (world.agent !== null) new Visitor(world, world.agent, visit);
  },
  release: (world, { store }) => {
    void world.agent?.release(storeAt(world, store).name).catch(() => undefined);
  },
};

function storeAt({ stores }: World, index: number): StoreSim {
  const store = stores[index % stores.length];
  if (store === undefined) throw new RangeError('a world has at least one store');
  return store;
}

function moduleAt({ added }: World, index: number): ModuleSim | undefined {
  return added[index % Math.max(1, added.length)];
}

function askForChange(world: World, { share }: { share: number }): void {
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
