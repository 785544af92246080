// An operator hears of a problem when it begins and when it ends, and not at every look.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DriverState } from '../core/driver.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Survey } from '../core/survey.ts';
import { Notices } from './notices.ts';

function heard(standing: string | null = null) {
  const said: string[] = [];
  return {
    said,
    notices: new Notices(
      () => standing,
      (notice) => said.push(notice),
    ),
  };
}

const looked = (error: string | null, stuck = false): Survey =>
  ({
    readings: [{ member: { name: 'cache', shell: { stuck } }, state: {} as DriverState, error }],
  }) as unknown as Survey;
const memory = (over: Partial<PhysicalMemory>) =>
  ({ partition: 'cgroup:/app@1', gone: false, stale: [], ...over }) as unknown as PhysicalMemory;

test('notices: a driver that cannot be read is told once, and once when it is well again', () => {
  const { said, notices } = heard();
  for (const error of [null, 'refused', 'refused', null, null]) notices.look(looked(error));
  assert.deepEqual(said, ['driver cache: cannot be read: refused', 'driver cache: well again']);
});

test('notices: a driver that is stuck or left alone is told with the reason (E3)', () => {
  const { said, notices } = heard('drift: maxmemory is 7');
  notices.look(looked(null, true));
  notices.look(looked(null));
  assert.deepEqual(said, [
    'driver cache: is stuck: a call has not returned',
    'driver cache: drift: maxmemory is 7',
  ]);
});

test('notices: memory that cannot be read and a partition that is gone are told once (S2)', () => {
  const { said, notices } = heard();
  const stale = [{ reading: '/app/memory.max', error: 'EIO' }];
  for (const over of [{}, { stale }, { stale }, {}, { gone: true }, { gone: true }])
    notices.memory(memory(over));
  assert.deepEqual(said, [
    'memory: /app/memory.max cannot be read (EIO)',
    'memory: well again',
    'cgroup:/app@1: is gone: nothing is resized any more; start hotadd anew for another',
  ]);
  assert.equal(notices.problems.size, 1);
});
