// A server whose byte cache follows the limit of its own cgroup, under load from another process, while
// planned changes raise and lower it. The long form, with figures and pauses, is bench/planned.bench.ts.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { change, look, lookAtLoad, type PlannedChange, startLoaded } from '../../bench/planned-run.ts';
import { MiB } from '../../src/core/bytes.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { until } from '../until.ts';

const LOW_BYTES = 256 * MiB;
const HIGH_BYTES = 512 * MiB;
/** Values of 5.4 KiB, three times as many as the high limit would hold. */
const KEYS = 290_000;
const load = { keys: KEYS, rate: 400 };

async function start(t: TestContext, group: RealCgroup, kind: 'hotadd' | 'lru-cache', sizeBytes = 0) {
  const running = await startLoaded(group.folder, { kind, sizeBytes, ...load });
  t.after(() => running.stop());
  return running;
}

/** Both at rest, full: RSS moves as much as what the cache says it holds. */
function assertAccounted(up: PlannedChange, down: PlannedChange): void {
  const rssBytes = up.later.rssBytes - down.later.rssBytes;
  const heldBytes = up.later.heldBytes - down.later.heldBytes;
  assert.ok(heldBytes > 150 * MiB, `the cache moved by ${heldBytes / MiB} MiB`);
  const apart = Math.abs(rssBytes - heldBytes) / heldBytes;
  assert.ok(apart < 0.1, `RSS moved by ${rssBytes / MiB} MiB, and what is held by ${heldBytes / MiB} MiB`);
}

test('a byte cache under load follows planned changes both ways: no failure, no OOM kill, memory is back', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, LOW_BYTES);
  const running = await start(t, group, 'hotadd');
  for (let cycle = 0; cycle < 2; cycle += 1) {
    const up = await change(running, group.folder, { toBytes: HIGH_BYTES, fillMs: 20_000 });
    assert.deepEqual([up.result, up.reason], ['done', null]);
    assert.equal(group.readLimit(), HIGH_BYTES);
    const down = await change(running, group.folder, { toBytes: LOW_BYTES, fillMs: 20_000 });
    assert.deepEqual([down.result, down.reason], ['done', null]);
    assert.equal(group.readLimit(), LOW_BYTES);
    assert.ok(down.atOnce.heldBytes <= down.atOnce.sizeBytes && group.readUsage() <= LOW_BYTES);
    assert.ok(down.servedMeanwhile > 0, 'nothing was served while memory went');
    assert.ok(up.hitRate > down.hitRate, `hits: ${up.hitRate} of more memory, ${down.hitRate} of less`);
    assertAccounted(up, down);
  }
  assert.equal((await look(running.server)).wrong, 0, 'a value was not its own');
  const { served, failed, why } = await lookAtLoad(running.load);
  assert.deepEqual({ failed, why, kills: group.readKills() }, { failed: 0, why: '', kills: 0 });
  t.diagnostic(`${served} requests served`);
});

test('the same server with lru-cache, sized for the higher limit, is killed under the lower one', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, LOW_BYTES);
  const { server } = await start(t, group, 'lru-cache', HIGH_BYTES - 128 * MiB);
  assert.match(await until(() => server.ended, 'the server ends'), /SIGKILL/);
  assert.equal(group.readKills(), 1);
});
