// undici against a real HTTP server, which says how many connections there really are. No request may be lost
// over a resize, whichever way it comes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { after, before, beforeEach, describe } from 'node:test';
import { Agent, fetch, Pool, RetryAgent, request } from 'undici';
import { stateOf, toBudget } from '../../test/asked.ts';
import { until } from '../../test/until.ts';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { type UndiciDriver, undiciDriver } from './undici.ts';

const options = { connections: 8, bytesPerConnection: MiB };
let server: Server;
let origin: string;
/** Answers that the server holds back; null: it answers at once. */
let heldBack: ServerResponse[] | null = null;
let connections = 0;
const drivers: UndiciDriver<Agent>[] = [];

function open(given: Partial<typeof options> = {}): UndiciDriver<Agent> {
  const driver = undiciDriver('api', (count) => new Agent({ connections: count }), { ...options, ...given });
  drivers.push(driver);
  return driver;
}

const get = async (driver: UndiciDriver<Agent>, path: string) => {
  const { statusCode, body } = await request(`${origin}${path}`, { dispatcher: driver.dispatcher });
  return `${statusCode} ${await body.text()}`;
};

function answerAll(): void {
  const responses = heldBack ?? [];
  heldBack = null;
  for (const response of responses) response.end(response.req.url);
}

describe('undici: connections to a real server', () => {
  before(async () => {
    server = createServer((_, response) => {
      if (heldBack === null) response.end(response.req.url);
      else heldBack.push(response);
    });
    server.on('connection', (socket) => {
      connections += 1;
      socket.on('close', () => {
        connections -= 1;
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(async () => {
    for (const { dispatcher } of drivers.splice(0)) await dispatcher.close().catch(() => undefined);
    await until(() => connections === 0, 'no connection is left');
  });
  after(async () => {
    for (const { dispatcher } of drivers) await dispatcher.close().catch(() => undefined);
    server.close();
    await once(server, 'close');
  });

  test('undici: is a driver', async (t) => {
    let driver = open();
    const makeDriver = () => {
      driver = open();
      return driver;
    };
    const use = async (signal: AbortSignal) => {
      for (let count = 0; !signal.aborted; count += 1) {
        const paths = Array.from({ length: 20 }, (_, at) => `/${count}/${at}`);
        const answers = await Promise.all(paths.map((path) => get(driver, path)));
        assert.deepEqual(
          answers,
          paths.map((path) => `200 ${path}`),
        );
      }
    };
    const budgets = { smallBytes: 2 * MiB, largeBytes: 20 * MiB };
    for (const { title, run } of checkDriver(makeDriver, { ...budgets, use })) await t.test(title, run);
  });

  test('undici: a resize loses no request, under way or queued, and changes what is open', async () => {
    const driver = open();
    heldBack = [];
    const paths = Array.from({ length: 40 }, (_, at) => `/${at}`);
    const before = paths.map((path) => get(driver, path));
    await until(() => heldBack?.length === 8, 'the server has a request on each connection');
    await toBudget(driver, 3 * MiB);
    const told = await stateOf(driver);
    assert.deepEqual([told.costBytes, told.heldBytes], [3 * MiB, 8 * MiB]);
    assert.match(told.why?.held ?? '', /^5 connections too many finish what they were given/);
    answerAll();
    assert.deepEqual(
      await Promise.all(before),
      paths.map((path) => `200 ${path}`),
    );
    heldBack = [];
    const later = paths.map((path) => get(driver, path));
    await until(() => connections === 3 && heldBack?.length === 3, 'three connections and no more');
    assert.equal((await stateOf(driver)).heldBytes, 3 * MiB);
    answerAll();
    assert.equal((await Promise.all(later)).length, 40);
  });

  test('undici: fetch, and dispatchers made from it before a resize, go on after it', async () => {
    const driver = open();
    const retrying = new RetryAgent(driver.dispatcher);
    const composed = driver.dispatcher.compose((dispatch) => (given, handler) => dispatch(given, handler));
    const { dispatch } = driver.dispatcher;
    for (const budget of [2 * MiB, 20 * MiB]) {
      await toBudget(driver, budget);
      for (const dispatcher of [driver.dispatcher, retrying, composed]) {
        assert.equal(await (await fetch(`${origin}/it`, { dispatcher })).text(), '/it');
      }
      const { body } = await driver.dispatcher.request({ origin, path: '/own', method: 'GET' });
      assert.equal(await body.text(), '/own');
      assert.equal(driver.dispatcher.dispatch, dispatch);
      assert.ok(driver.dispatcher instanceof Agent);
    }
  });

  test('undici: a Pool of one origin is driven too', async () => {
    const driver = undiciDriver('api', (count) => new Pool(origin, { connections: count }), options);
    await toBudget(driver, 2 * MiB);
    const { body } = await driver.dispatcher.request({ path: '/pool', method: 'GET' });
    assert.equal(await body.text(), '/pool');
    assert.equal((await stateOf(driver)).heldBytes, MiB);
    await driver.dispatcher.close();
    await until(async () => (await stateOf(driver)).heldBytes === 0, 'its connection is closed');
  });

  test('undici: closing waits for what is under way, and ends resizing', async () => {
    const driver = open();
    heldBack = [];
    const asked = [get(driver, '/a'), get(driver, '/b')];
    await until(() => heldBack?.length === 2, 'the server has both');
    await toBudget(driver, 2 * MiB);
    const closed = new Promise<void>((resolve) => driver.dispatcher.close(resolve));
    answerAll();
    await closed;
    assert.deepEqual(await Promise.all(asked), ['200 /a', '200 /b']);
    await assert.rejects(toBudget(driver, 4 * MiB), { code: 'HOTADD_CLOSED' });
  });

  test('undici: destroying ends what is under way, also on Pools of before', async () => {
    const driver = undiciDriver('api', (count) => new Pool(origin, { connections: count }), options);
    heldBack = [];
    const asked = driver.dispatcher.request({ path: '/a', method: 'GET' });
    await until(() => heldBack?.length === 1, 'the server has it');
    await toBudget(driver, 2 * MiB);
    await Promise.all([assert.rejects(asked), driver.dispatcher.destroy()]);
    answerAll();
  });
});

test('undici: what it costs counts the origins, and bad options are refused', async () => {
  const make = (count: number) => new Agent({ connections: count });
  const driver = undiciDriver('api', make, { ...options, origins: 3, floor: 2, ceiling: 10 });
  const { costBytes, floorBytes, ceilingBytes } = await stateOf(driver);
  assert.deepEqual([costBytes, floorBytes, ceilingBytes], [24 * MiB, 6 * MiB, 30 * MiB]);
  const one = new Agent();
  await assert.rejects(
    toBudget(
      undiciDriver('n', () => one, options),
      2 * MiB,
    ),
    /same dispatcher twice; make/,
  );
  assert.throws(() => undiciDriver('n', one as never, options), /n: open is no function; give/);
  assert.throws(() => undiciDriver('n', () => ({}) as never, options), /not a dispatcher of undici/);
  assert.throws(() => undiciDriver('n', make, { ...options, connections: 0 }), /connections is 0; give/);
});
