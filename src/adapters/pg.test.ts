// The pool of pg on a real PostgreSQL, which says how many connections there really are.
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import pg from 'pg';
import { stateOf, toBudget } from '../../test/asked.ts';
import { noPostgres, type RealPostgres, startPostgres } from '../../test/real-postgres.ts';
import { until } from '../../test/until.ts';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { pgPoolDriver } from './pg.ts';

const bytesPerConnection = MiB;
const skip = noPostgres;

let server: RealPostgres;
/** What is open on the server, and ended before it is stopped. */
const clients: { end(): Promise<unknown> }[] = [];

function open(options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ ...server.address, max: 10, application_name: `${clients.length}`, ...options });
  clients.push(pool);
  return pool;
}

const take = (pool: pg.Pool, count: number) =>
  Promise.all(Array.from({ length: count }, () => pool.connect()));

/** As many idle connections. */
async function fill(pool: pg.Pool, count: number): Promise<void> {
  for (const client of await take(pool, count)) client.release();
}

/** What the server itself counts of a pool. */
async function expectOnServer(pool: pg.Pool, count: number): Promise<void> {
  const asking = new pg.Client(server.address);
  await asking.connect();
  clients.push(asking);
  const sql = 'SELECT count(*)::int FROM pg_stat_activity WHERE application_name = $1';
  const counted = async () => (await asking.query(sql, [pool.options.application_name])).rows[0].count;
  await until(async () => (await counted()) === count, `${count} connections on the server`);
}

describe('pg: a pool on a real server', { skip }, () => {
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    for (const client of clients) await client.end();
    await server.stop();
  });

  test('pg: is a driver', async (t) => {
    const pool = open();
    const makeDriver = () => pgPoolDriver('orders', pool, { bytesPerConnection });
    const use = async (signal: AbortSignal) => {
      while (!signal.aborted) {
        const sums = await Promise.all(
          [1, 2, 3, 4].map((add) => pool.query('SELECT $1::int + 1 AS sum', [add])),
        );
        assert.deepEqual(
          sums.map(({ rows }) => rows[0].sum),
          [2, 3, 4, 5],
        );
      }
    };
    const options = { smallBytes: 2 * MiB, largeBytes: 20 * MiB, use };
    for (const { title, run } of checkDriver(makeDriver, options)) await t.test(title, run);
  });

  test('pg: idle connections end at a shrink', async () => {
    const pool = open();
    await fill(pool, 8);
    const driver = pgPoolDriver('orders', pool, { bytesPerConnection });
    assert.equal((await stateOf(driver)).heldBytes, 8 * MiB);
    assert.deepEqual(await toBudget(driver, 3.5 * MiB), [{ name: 'max', value: '3', live: true }]);
    await expectOnServer(pool, 3);
    await until(async () => (await stateOf(driver)).heldBytes === 3 * MiB, 'held is the three that stay');
    const { costBytes, why } = await stateOf(driver);
    assert.deepEqual([costBytes, why?.held], [3 * MiB, undefined]);
    assert.deepEqual([pool.options.maxUses, pool.listenerCount('release')], [Number.POSITIVE_INFINITY, 0]);
  });

  test('pg: a connection in use is never cut, is told as held, and ends when released', async () => {
    const pool = open({ maxUses: 1_000 });
    const clients = await take(pool, 5);
    const driver = pgPoolDriver('orders', pool, { bytesPerConnection });
    await toBudget(driver, 2 * MiB);
    const told = await stateOf(driver);
    assert.deepEqual([told.costBytes, told.heldBytes], [2 * MiB, 5 * MiB]);
    assert.match(told.why?.held ?? '', /^3 connections too many are in use; each ends/);
    for (const client of clients) assert.equal((await client.query('SELECT 7 AS seven')).rows[0].seven, 7);
    for (const client of clients) client.release();
    assert.equal(pool.totalCount, 2);
    await expectOnServer(pool, 2);
    await until(async () => (await stateOf(driver)).heldBytes === 2 * MiB, 'held is the two that stay');
    assert.deepEqual([pool.options.maxUses, pool.listenerCount('release')], [1_000, 0]);
  });

  test('pg: a shrink is fulfilled while others wait, and they are served', async () => {
    const pool = open();
    const clients = await take(pool, 10);
    const driver = pgPoolDriver('orders', pool, { bytesPerConnection });
    const waiting = Array.from({ length: 30 }, () => pool.query('SELECT pg_backend_pid() AS pid'));
    await toBudget(driver, 2 * MiB);
    for (const client of clients) client.release();
    assert.equal((await Promise.all(waiting)).length, 30);
    assert.equal(pool.totalCount, 2);
  });

  test('pg: those who wait are served by a growth', async () => {
    const pool = open({ max: 1 });
    const driver = pgPoolDriver('orders', pool, { bytesPerConnection });
    const [first] = await take(pool, 1);
    const waiting = take(pool, 3);
    await toBudget(driver, 4 * MiB);
    const others = await waiting;
    assert.deepEqual([pool.totalCount, (await stateOf(driver)).heldBytes], [4, 4 * MiB]);
    for (const client of [first, ...others]) client?.release();
  });

  test('pg: an idle connection that another takes first does not keep a resize', async () => {
    const pool = open();
    await fill(pool, 4);
    const driver = pgPoolDriver('orders', pool, { bytesPerConnection });
    const taken = take(pool, 4);
    const controller = new AbortController();
    const shrink = toBudget(driver, MiB, controller.signal);
    const clients = await taken;
    controller.abort(new Error('enough'));
    await assert.rejects(shrink, /enough/);
    assert.equal((await stateOf(driver)).costBytes, MiB);
    for (const client of clients) client.release();
    await until(() => pool.totalCount === 1, 'one connection is left');
  });
});

test('pg: the floor is the pool’s own min, and bad options are refused', async () => {
  const pool = new pg.Pool({ min: 2, max: 4 });
  const driver = pgPoolDriver('orders', pool, { bytesPerConnection, ceiling: 8 });
  await assert.rejects(toBudget(driver, 2 * MiB - 1), { code: 'HOTADD_REFUSED', floorBytes: 2 * MiB });
  assert.equal((await stateOf(driver)).ceilingBytes, 8 * MiB);
  assert.throws(() => pgPoolDriver('n', {} as never, { bytesPerConnection }), /n: .*not a Pool of pg/);
  assert.throws(() => pgPoolDriver('n', pool, {} as never), /n: bytesPerConnection is undefined; give/);
  assert.throws(
    () => pgPoolDriver('n', pool, { bytesPerConnection, ceiling: 1 }),
    /ceiling is 1; give .* from 2/,
  );
});
