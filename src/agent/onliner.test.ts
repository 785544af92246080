// Added memory is reported or brought online once, and what a planned change took is neither.
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { DiskSim } from '../../test/simulation/disk-sim.ts';
import { MiB } from '../core/bytes.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { openAgent } from './agent.ts';
import { type Config, readConfig } from './config.ts';
import { openTakenBlocks, TAKEN_BLOCKS_FILE } from './taken-blocks.ts';

const BOOT = '00000000-0000-4000-8000-000000000001';
let machines = 0;

async function world(t: TestContext, online: Config['online'], apply = true) {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-onliner-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  machines += 1;
  const clock = new ClockSim();
  const machineId = `onliner-${process.pid}-${machines}`;
  const machine = new MachineSim({ bootBytes: 512 * MiB, machineId });
  const said: string[] = [];
  const keys = { partition: 'machine', reserve: 0, online, state: `${folder}/state`, run: `${folder}/run` };
  const text = JSON.stringify({ version: 1, apply, ...keys });
  writeFileSync(join(folder, 'hotadd.yaml'), text, { mode: 0o600 });
  const config = await readConfig(join(folder, 'hotadd.yaml'));
  const onNotice = (notice: string) => void said.push(notice);
  /** Simulated time goes slowly here, since the files are real and take real time. */
  const until = async <Value>(promise: Promise<Value>): Promise<Value> => {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    void promise.then(settle, settle);
    while (!settled) {
      await clock.advance(20);
      await setTimeout(1);
    }
    return promise;
  };
  const open = () => until(openAgent({ config, program: 'test', machine, clock, onNotice }));
  return { clock, machine, said, open, until, state: join(folder, 'state') };
}

test('onliner: a module is reported once, whole, and the next one alone (S5)', async (t) => {
  const { clock, machine, said, open, until } = await world(t, 'off');
  const agent = await open();
  machine.addMemory(256 * MiB, { online: false });
  await clock.advance(2_000);
  machine.addMemory(128 * MiB, { online: false });
  await clock.advance(2_000);
  assert.deepEqual(
    said.map((line) => line.replace(/;.*(seq|in) ([\d ]+).*/, ': $2')),
    ['2 memory blocks are added and not online: 4 5', '1 memory block is added and not online: 6'],
  );
  await until(agent.close());
});

test('onliner: with apply: false added memory is only reported, whatever is configured (P5)', async (t) => {
  const { clock, machine, said, open, until } = await world(t, 'online', false);
  const agent = await open();
  machine.addMemory(256 * MiB, { online: false });
  await clock.advance(2_000);
  assert.equal(machine.onlineBytes, 512 * MiB);
  assert.match(said.join('\n'), /^2 memory blocks are added and not online; as root: for n in \$\(seq 4 5\)/);
  await until(agent.close());
});

test('onliner: a module that appears in the place of another is dealt with anew', async (t) => {
  const { clock, machine, said, open, until } = await world(t, 'online_movable');
  const agent = await open();
  const module = machine.addMemory(128 * MiB, { online: false });
  await clock.advance(2_000);
  assert.equal(machine.onlineBytes, 640 * MiB);
  machine.removeMemory(module);
  await clock.advance(2_000);
  machine.addMemory(128 * MiB, { online: false });
  await clock.advance(2_000);
  assert.equal(machine.onlineBytes, 640 * MiB);
  assert.deepEqual(said, Array(2).fill('1 memory block brought online_movable'));
  await until(agent.close());
});

test('onliner: closing ends a module that is being brought online', async (t) => {
  const { clock, machine, open, until } = await world(t, 'online');
  const agent = await open();
  const slow = { write: () => {} };
  const { writeTextSlowly } = machine;
  machine.writeTextSlowly = (path, text) =>
    new Promise<void>((resolve) => {
      slow.write = resolve;
    }).then(() => writeTextSlowly.call(machine, path, text));
  machine.addMemory(512 * MiB, { online: false });
  await clock.advance(2_000);
  await until(agent.close());
  for (let block = 0; block < 4; block += 1) {
    slow.write();
    await clock.advance(100);
  }
  assert.equal(machine.onlineBytes, 640 * MiB);
});

test('onliner: what a planned change took stays offline, and is no added memory', async (t) => {
  const { clock, machine, said, open, until } = await world(t, 'online_movable');
  const agent = await open();
  machine.addMemory(256 * MiB, { online: false });
  await clock.advance(2_000);
  // The growth is written to a real history, whose time is not the simulated one.
  await until(agent.firstPass());
  const outcome = await until(agent.resize(512 * MiB));
  assert.equal(outcome.result, 'done');
  await clock.advance(10_000);
  assert.equal(machine.onlineBytes, 512 * MiB);
  assert.deepEqual(said, ['2 memory blocks brought online_movable']);
  await until(agent.close());
});

test('onliner: a restart in the same boot does not undo a planned shrink, and says so', async (t) => {
  const { clock, machine, said, open, until, state } = await world(t, 'online');
  machine.addMemory(256 * MiB, { zone: 'Movable' });
  const first = await open();
  await until(first.resize(640 * MiB));
  await until(first.close());
  assert.deepEqual(JSON.parse(readFileSync(join(state, TAKEN_BLOCKS_FILE), 'utf8')), {
    v: 1,
    bootId: BOOT,
    blocks: [5],
  });
  const second = await open();
  machine.addMemory(128 * MiB, { online: false });
  await clock.advance(3_000);
  assert.equal(machine.onlineBytes, 768 * MiB, 'only the new one comes online');
  assert.deepEqual(said, [
    '1 memory block left offline, taken by a planned change; hotadd resize brings memory back',
    '1 memory block brought online',
  ]);
  await until(second.firstPass());
  await until(second.resize(896 * MiB));
  assert.equal(machine.onlineBytes, 896 * MiB);
  await until(second.close());
  assert.deepEqual((await openTakenBlocks(state, BOOT)).blocks, []);
});

test('onliner: a block whose module was removed is forgotten, and another boot knows nothing', async (t) => {
  const { clock, machine, open, until, state } = await world(t, 'online');
  const module = machine.addMemory(128 * MiB, { zone: 'Movable' });
  const first = await open();
  await until(first.resize(512 * MiB));
  await until(first.close());
  assert.deepEqual((await openTakenBlocks(state, BOOT)).blocks, [4]);
  assert.deepEqual((await openTakenBlocks(state, 'another boot')).blocks, []);
  const second = await open();
  await clock.advance(2_000);
  machine.removeMemory(module);
  machine.addMemory(128 * MiB, { online: false });
  await clock.advance(2_000);
  assert.equal(machine.onlineBytes, 640 * MiB);
  await until(second.close());
});

test('onliner: a module that was removed is forgotten over restarts, also while no agent ran', async (t) => {
  const { clock, machine, said, open, until, state } = await world(t, 'online');
  const blocks = async () => (await openTakenBlocks(state, BOOT)).blocks;
  const taken = async (removed: 'while it runs' | 'while it does not') => {
    const module = machine.addMemory(128 * MiB, { zone: 'Movable' });
    const agent = await open();
    await until(agent.firstPass());
    await until(agent.resize(512 * MiB));
    assert.deepEqual(await blocks(), [4]);
    await clock.advance(2_000);
    if (removed === 'while it runs') machine.removeMemory(module);
    await clock.advance(2_000);
    await until(agent.close());
    if (removed !== 'while it runs') machine.removeMemory(module);
  };
  for (const removed of ['while it runs', 'while it does not'] as const) {
    await taken(removed);
    const next = await open();
    await clock.advance(2_000);
    const module = machine.addMemory(128 * MiB, { online: false });
    await clock.advance(2_000);
    assert.equal(machine.onlineBytes, 640 * MiB, `removed ${removed}`);
    await until(next.close());
    assert.deepEqual(await blocks(), [], `removed ${removed}`);
    machine.removeMemory(module);
  }
  assert.deepEqual(said, Array(2).fill('1 memory block brought online'));
});

test('taken-blocks: an observer writes nothing, and writings follow each other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-taken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const taken = await openTakenBlocks(folder, BOOT);
  await Promise.all([taken.took(1), taken.took(2), taken.forget([1]), taken.took(3), taken.gave(2)]);
  assert.deepEqual((await openTakenBlocks(folder, BOOT)).blocks, [3]);
  const observer = await openTakenBlocks(folder, BOOT, { observes: true });
  await observer.forget([3]);
  assert.deepEqual([observer.blocks, (await openTakenBlocks(folder, BOOT)).blocks], [[], [3]]);
});

test('taken-blocks: what a power cut leaves of the file does not keep the agent from starting', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-taken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const text of ['', '\0\0\0\0']) {
    writeFileSync(join(folder, TAKEN_BLOCKS_FILE), text, { mode: 0o600 });
    assert.deepEqual((await openTakenBlocks(folder, BOOT)).blocks, []);
  }
});

test('taken-blocks: a power cut leaves the old list or the new one, never a piece of it', async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const disk = new DiskSim(new ClockSim());
    await disk.mkdir('/state/hotadd');
    const taken = await openTakenBlocks('/state/hotadd', BOOT, { disk });
    await taken.took(4);
    // The history, which is in the same folder, brings the names to the disk.
    for (const folder of ['/state', '/state/hotadd']) await (await disk.open(folder, 0)).sync();
    disk.cutPower(new RandomSim(seed));
    assert.deepEqual((await openTakenBlocks('/state/hotadd', BOOT, { disk })).blocks, [4], `seed ${seed}`);
  }
});

test('taken-blocks: an agent that cannot start for its file leaves no history open', async (t) => {
  const { open, state } = await world(t, 'online');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, TAKEN_BLOCKS_FILE), '{"v":2}', { mode: 0o600 });
  await assert.rejects(open(), { code: 'HOTADD_HISTORY' });
  const held = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
  assert.deepEqual(
    held.filter((path) => path.startsWith(state)),
    [],
  );
});

test('taken-blocks: a file that is not understood is refused with the mend (E4, E9)', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-taken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [text, problem] of [
    ['{"v":2,"blocks":[]}', /taken-blocks\.json: has version 2, and this hotadd knows 1; remove the file/],
    ['{"v":1,"blocks":["a"]}', /is not a list of memory blocks/],
    ['{"v":', /JSON/],
  ] as const) {
    writeFileSync(join(folder, TAKEN_BLOCKS_FILE), text, { mode: 0o600 });
    await assert.rejects(openTakenBlocks(folder, BOOT), problem);
  }
});
