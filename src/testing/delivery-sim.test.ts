// How simulated hints travel: late, twice, merged, lost, or not at all after a restart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSim } from './clock-sim.ts';
import { type DeliveryOptions, DeliverySim } from './delivery-sim.ts';
import { RandomSim } from './random-sim.ts';

function delivery(options?: DeliveryOptions) {
  const clock = new ClockSim();
  const sent = new DeliverySim(clock, new RandomSim(1), options);
  const heard: string[] = [];
  const tell = (what: string) => () => void heard.push(`${what} at ${clock.monotonicMs()}`);
  return { clock, sent, heard, tell };
}

test('delivery: a hint is there at once, each once', () => {
  const { sent, heard, tell } = delivery();
  sent.uevent(tell('uevent'), tell('lost'));
  sent.hint('/file', tell('hint'));
  sent.hint('/file', tell('hint'));
  assert.deepEqual(heard, ['uevent at 0', 'hint at 0', 'hint at 0']);
});

test('delivery: a late hint comes within its limits, and uevents may pass each other', async () => {
  const { clock, sent, tell, heard } = delivery({ delayMs: [100, 200] });
  for (let number = 0; number < 50; number += 1) sent.uevent(tell(`${number}`), tell('lost'));
  await clock.advance(99);
  assert.deepEqual(heard, []);
  await clock.advance(101);
  assert.equal(heard.length, 50);
  const order = heard.map((each) => Number.parseInt(each, 10));
  assert.notDeepEqual(
    order,
    [...order].sort((one, other) => one - other),
  );
});

test('delivery: hints of one file that are under way are one, and the next is another', async () => {
  const { clock, sent, heard, tell } = delivery({ delayMs: [50, 50] });
  sent.hint('/file', tell('first'));
  sent.hint('/file', tell('second'));
  sent.hint('/other', tell('other'));
  await clock.advance(50);
  sent.hint('/file', tell('third'));
  await clock.advance(50);
  assert.deepEqual(heard, ['first at 50', 'other at 50', 'third at 100']);
});

test('delivery: shares come twice, never, or as an overflow that is told', async () => {
  const count = async (options: DeliveryOptions, kind: string) => {
    const { sent, heard, tell } = delivery(options);
    for (let number = 0; number < 1000; number += 1) sent.uevent(tell('uevent'), tell('lost'));
    return heard.filter((each) => each.startsWith(kind)).length;
  };
  assert.deepEqual([await count({ duplicated: 1 }, 'uevent'), await count({ lost: 1 }, 'uevent')], [2000, 0]);
  assert.deepEqual([await count({ overflowed: 1 }, 'lost'), await count({ overflowed: 1 }, 'u')], [1000, 0]);
  const some = await count({ lost: 0.3 }, 'uevent');
  assert.ok(some > 600 && some < 800, `${some}`);
});

test('delivery: a hint that is lost does not swallow the next', () => {
  const { sent, heard, tell } = delivery({ lost: 1 });
  sent.hint('/file', tell('hint'));
  sent.options = {};
  sent.hint('/file', tell('hint'));
  assert.equal(heard.length, 1);
});

test('delivery: what is under way at a restart reaches nobody, and holds nothing up', async () => {
  const { clock, sent, heard, tell } = delivery({ delayMs: [50, 50] });
  sent.hint('/file', tell('before'));
  sent.uevent(tell('before'), tell('lost'));
  sent.dropAll();
  sent.hint('/file', tell('after'));
  await clock.advance(100);
  assert.deepEqual(heard, ['after at 50']);
});
