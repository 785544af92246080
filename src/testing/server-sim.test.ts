// The simulated server: its map of modules, its hot operations and their journal, and that a refused one
// leaves everything as it was. The rules of notification are in test/notification/.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../core/bytes.ts';
import type { HotaddError } from '../core/errors.ts';
import { ServerSim, type ServerSimOptions } from './server-sim.ts';

function serverWith(options: ServerSimOptions = {}, ceilingBytes = 4 * GiB) {
  const server = new ServerSim(options);
  const first = server.partition('first', { modules: [GiB], ceilingBytes });
  const second = server.partition('second', { modules: [GiB], ceilingBytes });
  const map = () =>
    server.serviceProcessor.modules.map((module) =>
      [module.id, server.serviceProcessor.ownerOf(module)].join(' '),
    );
  const last = () => {
    const { operation, result, bytes, note } = server.journal.at(-1) ?? {};
    return [operation, result, bytes, note];
  };
  return { server, first, second, map, last };
}

const unsupported = (what: RegExp) => (error: HotaddError) =>
  error.code === 'HOTADD_UNSUPPORTED' && what.test(error.message);

test('server: modules are numbered as they come, and the map says whose each one is', () => {
  const { server, first, map } = serverWith();
  const spare = server.module(GiB);
  server.hotAdd(512 * MiB, first);
  assert.deepEqual(map(), ['module1 first', 'module2 second', 'module3 ', 'module4 first']);
  assert.equal(server.serviceProcessor.ownerOf(spare), null);
  assert.deepEqual(
    server.serviceProcessor.modulesOf('first').map(({ id }) => id),
    ['module1', 'module4'],
  );
});

test('server: a partition cannot have the name of another', () => {
  const { server, map } = serverWith();
  assert.throws(() => server.partition('first', { modules: [GiB] }), { code: 'HOTADD_NAME_TAKEN' });
  assert.equal(map().length, 2);
});

test('server: a partition that cannot have one of its modules takes none', () => {
  const { server, first } = serverWith();
  const spare = server.module(GiB);
  const taken = first.modules[0];
  assert.ok(taken);
  assert.throws(
    () => server.partition('third', { modules: [spare, taken] }),
    unsupported(/belongs to first/),
  );
  assert.equal(server.serviceProcessor.ownerOf(spare), null);
  assert.equal(server.partition('third', { modules: [spare] }).onlineBytes, GiB);
});

test('server: a module of another server is none of this one', () => {
  const { first } = serverWith();
  const foreign = new ServerSim().module(GiB);
  assert.throws(() => serverWith().server.hotAdd(foreign, first), unsupported(/not in this server/));
});

test('server: the journal says of each operation what came of it, when and where', async () => {
  const { server, first, last } = serverWith();
  await server.clock.advance(500);
  const module = server.module(512 * MiB);
  const outcome = server.hotAdd(module, first);
  assert.deepEqual(outcome, {
    atMs: 500,
    operation: 'hot add',
    module: 'module3',
    partition: 'first',
    result: 'done',
    bytes: 512 * MiB,
    note: null,
  });
  assert.equal(server.journal.at(-1), outcome);
  server.hotAdd(server.module(512 * MiB, { startsBytes: 384 * MiB }), first);
  assert.deepEqual(last(), ['hot add', 'partly', 384 * MiB, '128 MiB of it failed to start']);
  server.hotAdd(server.module(512 * MiB, { startsBytes: 100 * MiB }), first);
  const tooSmall = '100 MiB of it start, less than one block of 128 MiB (blockBytes)';
  assert.deepEqual(last(), ['hot add', 'parked', 0, tooSmall]);
  assert.equal(first.whyParked(module), null);
  const dead = server.module(512 * MiB, { startsBytes: 0 });
  server.hotAdd(dead, first);
  assert.deepEqual(last(), ['hot add', 'parked', 0, 'it failed to start']);
  assert.equal(first.whyParked(dead), 'it failed to start');
  const small = new ServerSim().partition('small', { modules: [64 * MiB] });
  const [parked] = small.parked;
  assert.match((parked && small.whyParked(parked)) ?? '', /^64 MiB of it start, less than one block/);
  server.hotReplace(module, server.module(512 * MiB));
  assert.deepEqual(last(), ['hot replace', 'done', 0, 'module7 is in its place']);
  assert.throws(() => server.hotAdd(module, new ServerSim().partition('x', { modules: [MiB] })));
  assert.deepEqual(last().slice(0, 3), ['hot add', 'refused', 0]);
});

test('server: an add that is refused leaves the module a spare', () => {
  const { server, first } = serverWith({}, GiB);
  const module = server.module(128 * MiB);
  assert.throws(() => server.hotAdd(module, first), unsupported(/ranges that first declared/));
  assert.equal(server.serviceProcessor.ownerOf(module), null);
  assert.deepEqual([first.presentBytes, first.modules.length], [GiB, 1]);
});

test('server: what is free in pieces refuses a module that is larger than each', async () => {
  const { server, first } = serverWith({}, 2 * GiB);
  const [low, middle] = [server.module(512 * MiB), server.module(256 * MiB)];
  for (const module of [low, middle]) server.hotAdd(module, first);
  await server.hotRemove(low);
  const large = server.module(768 * MiB);
  assert.throws(() => server.hotAdd(large, first), unsupported(/ranges/));
  assert.equal(server.serviceProcessor.ownerOf(large), null);
  assert.equal(server.hotAdd(low, first).result, 'done');
});

test('server: a spare that differs, that does not start or that has an owner replaces nothing', () => {
  const { server, first, second, last } = serverWith();
  const module = server.module(512 * MiB);
  server.hotAdd(module, first);
  const owned = server.module(512 * MiB);
  server.hotAdd(owned, second);
  for (const [spare, problem] of [
    [server.module(256 * MiB), /not identical/],
    [server.module(512 * MiB, { node: 1 }), /not identical/],
    [server.module(512 * MiB, { startsBytes: 384 * MiB }), /does not start/],
    [owned, /belongs to second/],
    [module, /belongs to first/],
  ] as const) {
    assert.throws(() => server.hotReplace(module, spare), unsupported(problem));
    assert.equal(last()[1], 'refused');
    assert.equal(server.serviceProcessor.ownerOf(module), 'first');
    assert.ok(first.modules.includes(module));
  }
  const spare = server.module(MiB);
  assert.throws(() => server.hotReplace(spare, server.module(MiB)), unsupported(/belongs to no partition/));
});

test('server: a parked module is replaced for the next start of its partition', () => {
  const { server, first } = serverWith();
  const broken = server.module(512 * MiB, { startsBytes: 0 });
  server.hotAdd(broken, first);
  const spare = server.module(512 * MiB);
  assert.equal(server.hotReplace(broken, spare).bytes, 0);
  assert.deepEqual([first.onlineBytes, first.parked], [GiB, [spare]]);
  assert.equal(server.serviceProcessor.ownerOf(broken), null);
  first.restart();
  assert.deepEqual([first.onlineBytes, first.parked], [GiB + 512 * MiB, []]);
});

test('server: one seed is one history of what is random', () => {
  const draws = (seed: number) => {
    const { random } = new ServerSim({ seed });
    return Array.from({ length: 5 }, () => random.next());
  };
  assert.deepEqual(draws(3), draws(3));
  assert.notDeepEqual(draws(3), draws(4));
});
