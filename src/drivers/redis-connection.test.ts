// The connection to a Redis server, with a client library that is played.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READ_IN_LOOK_MS } from '../core/driver.ts';
import { parseAddress } from './redis-address.ts';
import { RedisConnection, type RedisLibrary } from './redis-connection.ts';

test('redis connection: one whose peer was silent for a look is not used again', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const replies = [new Promise<string>(() => {}), Promise.resolve('PONG')];
  const destroyed: number[] = [];
  let made = 0;
  const client: RedisLibrary = {
    createClient: () => {
      const own = made++;
      return {
        isReady: true,
        on: () => undefined,
        connect: async () => undefined,
        sendCommand: async () => replies[own],
        destroy: () => void destroyed.push(own),
      };
    },
  };
  const connection = new RedisConnection({
    place: 'cache',
    address: parseAddress('cache', 'redis://localhost'),
    username: null,
    passwordFile: null,
    tls: {},
    client,
  });
  const look = new AbortController();
  const sending = connection.send([['PING']], look.signal);
  // The look has begun to wait a moment before this call was sent.
  nowMs = READ_IN_LOOK_MS - 1;
  look.abort();
  await assert.rejects(sending, { name: 'AbortError' });
  assert.deepEqual(await connection.send([['PING']]), ['PONG']);
  assert.deepEqual([made, destroyed], [2, [0]]);
});
