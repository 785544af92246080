// The driver of recent-lines.ts: held to the contract, and at work on a simulated server.
// `node --test recent-lines.test.ts`; in the repository of hotadd run `npm run build` first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, KiB, MiB, openPartition } from 'hotadd';
import { checkDriver, ServerSim } from 'hotadd/testing';
import { lastLines, recentLines, remember } from './recent-lines.ts';

async function use(signal: AbortSignal) {
  for (let count = 0; !signal.aborted; count += 1) {
    for (let line = 0; line < 500; line += 1) remember(`${count}: ${'x'.repeat(KiB)}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const options = { smallBytes: 4 * MiB, largeBytes: 64 * MiB, use };
for (const { title, run } of checkDriver(() => recentLines, options)) test(title, run);

test('recent lines: a module brings room for more of them', async () => {
  const server = new ServerSim();
  const web = server.partition('web', { modules: [GiB] });
  const partition = await openPartition({ machine: web.machine, clock: server.clock, apply: true });
  partition.register(recentLines, { max: { percent: 10 }, existing: true });
  server.hotAdd(GiB, web);
  await server.clock.advance(5_000);
  await server.clock.until(partition.close());
  const { costBytes } = await recentLines.read(new AbortController().signal);
  assert.ok(costBytes > 180 * MiB, `${costBytes} bytes after the module came`);
});

test('recent lines: the last ones stay', () => {
  remember('the last one');
  assert.deepEqual(lastLines(1), ['the last one']);
});
