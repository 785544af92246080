// The Redis driver against the driver checks, on a real server that is written to and read from meanwhile.
// What a full server does is in test/e2e/redis-driver.test.ts.
import test from 'node:test';
import { noRedis, type RealRedis, startRedis } from '../../test/real-redis.ts';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { redisDriver } from './redis.ts';

/** A client that finds what it wrote last: eviction takes others first. */
const useOf = (server: RealRedis) => async (signal: AbortSignal) => {
  for (let count = 0; !signal.aborted; count += 1) {
    await server.run('SET', 'used', `${count}`);
    const found = String(await server.run('GET', 'used'));
    if (found !== `${count}`) throw new Error(`wrote ${count}, found ${found}`);
  }
};

test('redis: is a driver', { skip: noRedis }, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] });
  const makeDriver = () => redisDriver({ name: 'cache', url: server.url });
  const options = { smallBytes: 64 * MiB, largeBytes: 512 * MiB, use: useOf(server) };
  for (const { title, run } of checkDriver(makeDriver, options)) await t.test(title, run);
});

test('redis: is a driver while entries have to go', { skip: noRedis }, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '400mb', '--maxmemory-policy', 'allkeys-lfu'] });
  const makeDriver = async () => {
    await server.fill({ bytes: 48 * MiB, valueBytes: 20_000 });
    return redisDriver({ name: 'cache', url: server.url });
  };
  const options = { smallBytes: 64 * MiB, largeBytes: 256 * MiB };
  for (const { title, run } of checkDriver(makeDriver, options)) await t.test(title, run);
});
