// The Redis driver against the contract, on a real server. What a full server does is in
// test/e2e/redis-driver.test.ts.
import test from 'node:test';
import { noRedis, startRedis } from '../../test/real-redis.ts';
import { MiB } from '../core/bytes.ts';
import { driverContract } from '../testing/driver-contract.ts';
import { redisDriver } from './redis.ts';

test('redis: keeps the contract', { skip: noRedis }, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] });
  const subject = {
    open: () => redisDriver({ name: 'cache', url: server.url }),
    smallBytes: 64 * MiB,
    largeBytes: 512 * MiB,
  };
  for (const { title, run } of driverContract(subject)) await t.test(title, run);
});

test('redis: keeps the contract while entries have to go', { skip: noRedis }, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '400mb', '--maxmemory-policy', 'allkeys-lfu'] });
  const subject = {
    open: async () => {
      await server.fill({ bytes: 80 * MiB, valueBytes: 20_000 });
      return redisDriver({ name: 'cache', url: server.url });
    },
    smallBytes: 64 * MiB,
    largeBytes: 256 * MiB,
  };
  for (const { title, run } of driverContract(subject)) await t.test(title, run);
});
