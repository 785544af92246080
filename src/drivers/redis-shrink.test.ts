// The walk on a simulated server, for what no packaged server shows: builds that defragment, and faults in
// the middle. Real servers are in test/e2e/redis-driver.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MiB } from '../core/bytes.ts';
import { parseFacts, type RedisFacts } from './redis-info.ts';
import { Shrink, type ShrinkServer } from './redis-shrink.ts';

class SimulatedServer implements ShrinkServer {
  readonly defrags: boolean;
  readonly writes: string[] = [];
  usedMiB = 400;
  rssMiB = 440;
  limitMiB = 400;
  defrag = 'no';
  runId = 'first';
  failsAtMiB = 0;

  constructor(defrags: boolean) {
    this.defrags = defrags;
  }

  /** Memory of small values comes back only through defragmentation, a bit at each look. */
  async facts(): Promise<RedisFacts> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.defrag === 'yes') this.rssMiB = Math.max(this.usedMiB * 1.08, this.rssMiB - 15);
    const info =
      `redis_version:7.0.15\r\nrun_id:${this.runId}\r\nevicted_keys:${400 - this.usedMiB}\r\n` +
      `used_memory:${this.usedMiB * MiB}\r\nused_memory_rss:${Math.floor(this.rssMiB * MiB)}\r\n`;
    const maxmemory = ['maxmemory', String(this.limitMiB * MiB), 'maxmemory-policy', 'allkeys-lru'];
    return parseFacts('sim', { info, config: [maxmemory, ['activedefrag', this.defrag]] });
  }

  async setMaxmemory(bytes: number): Promise<void> {
    this.limitMiB = bytes / MiB;
    if (this.limitMiB <= this.failsAtMiB) throw new Error('connection lost');
    this.writes.push(`maxmemory ${this.limitMiB}`);
    this.usedMiB = Math.min(this.usedMiB, this.limitMiB);
  }

  async purge(): Promise<void> {}

  async setDefrag(on: boolean): Promise<boolean> {
    if (!this.defrags) return false;
    this.defrag = on ? 'yes' : 'no';
    this.writes.push(`activedefrag ${this.defrag}`);
    return true;
  }
}

async function walk(server: SimulatedServer, defrag: boolean): Promise<Shrink> {
  const plan = { toMaxmemoryBytes: 200 * MiB, toBytes: 262 * MiB, defrag };
  return new Shrink(server, plan, await server.facts());
}

test('redis shrink: without defragmentation it stops after one step', async () => {
  const server = new SimulatedServer(false);
  const shrink = await walk(server, true);
  await shrink.done;
  assert.deepEqual(server.writes, ['maxmemory 380']);
  assert.match(shrink.stop?.reason ?? '', /gave back 0 B.*this build has no active defragmentation/);
  assert.equal(shrink.stopReason(await server.facts()), shrink.stop?.reason);
});

test('redis shrink: a step that gave back a part is judged together with the next', async () => {
  const server = new SimulatedServer(false);
  const { setMaxmemory } = server;
  // The first step gives back too little, and the next one what it owes.
  server.setMaxmemory = async (bytes) => {
    await setMaxmemory.call(server, bytes);
    server.rssMiB = server.limitMiB === 380 ? 434 : server.usedMiB * 1.1;
  };
  const shrink = await walk(server, false);
  await shrink.done;
  assert.equal(shrink.stop, null);
  assert.equal(server.limitMiB, 200);
});

test('redis shrink: two steps that gave back too little end it', async () => {
  const server = new SimulatedServer(false);
  const { setMaxmemory } = server;
  server.setMaxmemory = async (bytes) => {
    await setMaxmemory.call(server, bytes);
    server.rssMiB = 440 - (400 - server.usedMiB) * 0.3;
  };
  const shrink = await walk(server, false);
  await shrink.done;
  assert.deepEqual(server.writes, ['maxmemory 380', 'maxmemory 360']);
  assert.match(shrink.stop?.reason ?? '', /gave back 12 MiB/);
});

test('redis shrink: defragmentation takes it all the way, and is turned off again', async () => {
  const server = new SimulatedServer(true);
  const shrink = await walk(server, true);
  assert.equal(shrink.isUnderWay(await server.facts()), true);
  await shrink.done;
  assert.equal(shrink.stop, null);
  assert.equal(server.limitMiB, 200);
  assert.equal(server.writes[0], 'activedefrag yes');
  assert.equal(server.writes.at(-1), 'activedefrag no');
});

test('redis shrink: cancelling waits for the last write, and turns defragmentation off', async () => {
  const server = new SimulatedServer(true);
  const shrink = await walk(server, true);
  while (server.limitMiB === 400) await new Promise((resolve) => setImmediate(resolve));
  await shrink.cancel();
  const { writes } = server;
  assert.equal(writes.at(-1), 'activedefrag no');
  assert.ok(server.limitMiB > 200);
  assert.equal(shrink.isUnderWay(await server.facts()), false);
  assert.equal(shrink.stop, null, 'it was not stopped by the server');
});

test('redis shrink: an error ends it with its reason', async () => {
  const server = new SimulatedServer(true);
  server.failsAtMiB = 350;
  const shrink = await walk(server, true);
  await shrink.done;
  assert.match(shrink.stop?.reason ?? '', /connection lost/);
  assert.equal(server.writes.at(-1), 'activedefrag no');
});

test('redis shrink: a server that restarts is left alone', async () => {
  const server = new SimulatedServer(false);
  const shrink = await walk(server, false);
  server.runId = 'second';
  await shrink.done;
  assert.deepEqual(server.writes, []);
  assert.match(shrink.stop?.reason ?? '', /restarted in the middle/);
  assert.equal(shrink.stopReason(await server.facts()), null, 'it says nothing about the new run');
});
