// What a server says of itself, in the words of Redis 6.2, 7.0 and Valkey.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HotaddError } from '../core/errors.ts';
import { parseFacts } from './redis-info.ts';

/** As Redis 7.0.15 of Debian 12 tells it, cut to what matters. */
const REDIS = {
  redis_version: '7.0.15',
  process_id: '4326',
  run_id: '74ec7af9b89e7dd52aa9b7c97057b5eb7b811f18',
  used_memory: '916408',
  used_memory_rss: '12124160',
  used_memory_startup: '876192',
  used_memory_lua: '32768',
  used_memory_vm_total: '66560',
  mem_fragmentation_ratio: '13.84',
  mem_not_counted_for_evict: '16408',
  mem_replication_backlog: '1048576',
  mem_clients_normal: '1800',
  mem_aof_buffer: '6408',
  rss_overhead_bytes: '-1650688',
  current_cow_size: '4096',
  rdb_last_cow_size: '229376',
  aof_last_cow_size: '0',
  aof_enabled: '0',
  evicted_keys: '7',
  role: 'master',
  connected_slaves: '0',
  db0: 'keys=10,expires=3,avg_ttl=0',
  db12: 'keys=1,expires=1,avg_ttl=0,subexpiry=0',
};
const CONFIG = ['maxmemory-policy', 'allkeys-lru', 'maxmemory', '104857600', 'maxmemory-clients', '0'];

/** The example of valkey.io/commands/info: its own version beside the one it is compatible with. */
const VALKEY = {
  ...REDIS,
  redis_version: '7.2.4',
  server_name: 'valkey',
  valkey_version: '8.0.1',
  server_mode: 'standalone',
  used_memory: '4757704',
  used_memory_rss: '13221888',
  rss_overhead_bytes: '3969024',
  mem_overhead_db_hashtable_rehashing: '0',
};

function facts(
  info: Record<string, string>,
  config: readonly (readonly string[])[] = [CONFIG, ['save', '']],
) {
  const lines = Object.entries(info).map(([name, value]) => `${name}:${value}`);
  return parseFacts('cache at redis://h:6379', { info: `# Server\r\n${lines.join('\r\n')}\r\n`, config });
}

test('redis info: reads what Redis 7 says', () => {
  const found = facts(REDIS);
  assert.equal(found.product, 'Redis');
  assert.equal(found.countedBytes, 900_000, 'replica and AOF buffers are not compared with maxmemory');
  assert.equal(found.replicaBufferBytes, 10_000);
  assert.equal(found.outsideBytes, 66_560, 'a negative overhead is none');
  assert.equal(found.expiringKeys, 4);
  assert.equal(found.maxmemoryBytes, 100 * 1024 * 1024);
  assert.equal(found.forks, false);
  assert.equal(found.evictsItself, true);
  assert.equal(found.activeDefrag, null);
});

test('redis info: reads what Valkey says', () => {
  const found = facts(VALKEY);
  assert.deepEqual([found.product, found.version], ['Valkey', '8.0.1']);
  assert.equal(found.usedBytes, 4_757_704);
  assert.equal(found.outsideBytes, 3_969_024 + 66_560);
});

test('redis info: knows when a server forks', () => {
  assert.equal(facts(REDIS, [CONFIG, ['save', '3600 1 300 100']]).forks, true);
  assert.equal(facts({ ...REDIS, aof_enabled: '1' }).forks, true);
  assert.equal(facts({ ...REDIS, connected_slaves: '1' }).forks, true);
});

test('redis info: knows when a replica evicts by itself', () => {
  const replica = { ...REDIS, role: 'slave' };
  assert.equal(facts(replica, [[...CONFIG, 'replica-ignore-maxmemory', 'yes']]).evictsItself, false);
  assert.equal(facts(replica, [[...CONFIG, 'replica-ignore-maxmemory', 'no']]).evictsItself, true);
});

test('redis info: refuses servers that are too old, and names what they lack', () => {
  const reject = (change: Record<string, string>, words: RegExp) =>
    assert.throws(
      () => facts({ ...REDIS, ...change }),
      (error: unknown) =>
        error instanceof HotaddError && error.code === 'HOTADD_UNSUPPORTED' && words.test(error.message),
    );
  reject(
    { redis_version: '6.0.16' },
    /cache at redis:\/\/h:6379: Redis 6\.0\.16 is too old; update to 6\.2 or newer/,
  );
  reject({ redis_version: '5.0.14' }, /too old/);
  reject({ used_memory: 'plenty' }, /no usable used_memory: plenty/);
  assert.equal(facts({ ...REDIS, redis_version: '6.2.0' }).version, '6.2.0');
  assert.equal(facts({ ...REDIS, redis_version: '10.0.0' }).version, '10.0.0');
});

test('redis info: takes no nonsense for an answer', () => {
  for (const info of [null, 42, '', 'OK', '# Sentinel\r\nsentinel_masters:1\r\n']) {
    assert.throws(() => parseFacts('cache', { info, config: [] }), /does not tell redis_version/);
  }
  assert.throws(() => facts(REDIS, [[]]), /no usable maxmemory: nothing/);
});
