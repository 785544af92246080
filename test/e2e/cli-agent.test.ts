// The commands around an agent: it is started, asked, and stopped, as a person does it. Nothing here needs
// root; what does is in cli-resize.test.ts.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openHistory } from '../../src/agent/history.ts';
import { sampleIntent, sampleOutcome, setting } from '../fixtures/history/sample.ts';
import { ownFolder, runEach, startCli } from '../golden/cli-process.ts';

interface Place {
  readonly home: string;
  readonly cwd: string;
  readonly state: string;
  readonly socket: string;
}

/** A folder with a hotadd.yaml, where commands find it. */
function place(more = ''): Place {
  const home = ownFolder();
  const cwd = join(home, 'here');
  mkdirSync(cwd);
  const folders = `state: ${home}/state\nrun: ${home}/run\n`;
  writeFileSync(join(cwd, 'hotadd.yaml'), `version: 1\n${folders}${more}`, { mode: 0o600 });
  return { home, cwd, state: join(home, 'state'), socket: join(home, 'run', 'control.sock') };
}

test('run: says that it only reports, answers, and ends with 0 at SIGTERM without a trace', async () => {
  const here = place();
  const agent = startCli(['run'], here);
  await agent.until(/ ready: /);
  assert.match(agent.text(), /apply: false: hotadd plans and reports, and resizes nothing/);
  const [text, status, drivers, plan, assumed, resize, second] = await runEach(
    [
      ['status'],
      ['status', '--json'],
      ['drivers', '--json'],
      ['plan', '--json'],
      ['plan', '--memory', '1GiB'],
      ['resize', '1GiB'],
      ['run'],
    ],
    here,
  );
  assert.match(text?.stdout ?? '', /apply: false, it only plans and reports/);
  const seen = JSON.parse(status?.stdout ?? '');
  assert.deepEqual(
    [seen.schema, seen.v, seen.pid, seen.apply],
    ['hotadd.status/1', 1, agent.child.pid, false],
  );
  assert.deepEqual(JSON.parse(drivers?.stdout ?? ''), { schema: 'hotadd.drivers/1', v: 1, drivers: [] });
  const { plan: planned, ...rest } = JSON.parse(plan?.stdout ?? '');
  assert.equal(rest.schema, 'hotadd.plan/1');
  assert.ok(planned.roomBytes > 0 && planned.roomBytes < rest.memory.usableBytes);
  assert.match(assumed?.stdout ?? '', /usable +1 GiB +assumed for machine/);
  assert.equal(resize?.code, 1);
  assert.match(resize?.stderr ?? '', /hotadd\.yaml: apply is false, so nothing is changed; add --apply/);
  assert.equal(second?.code, 1);
  assert.match(second?.stderr ?? '', /control\.sock: another agent answers on this control socket/);
  agent.child.kill('SIGTERM');
  const { code, stdout, stderr } = await agent.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /SIGTERM: closing\n$/);
  assert.equal(existsSync(here.socket), false);
  assert.equal(existsSync(here.state), false);
});

test('run: as JSON it logs one value a line, and SIGINT ends it with 0', async () => {
  const here = place();
  const agent = startCli(['run', '--json'], here);
  await agent.until(/"schema":"hotadd\.ready\/1".*\n/);
  agent.child.kill('SIGINT');
  const { code, stdout } = await agent.ended;
  assert.equal(code, 0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ready = lines.find(({ schema }) => schema === 'hotadd.ready/1');
  assert.equal(ready.socket, here.socket);
  assert.deepEqual([ready.apply, ready.config, ready.drivers], [false, 'hotadd.yaml', []]);
  for (const { schema, v } of lines) assert.match(`${schema} ${v}`, /^hotadd\.(?:ready|notice)\/1 1$/);
});

test('status and drivers: without an agent they fail with 1, the place and the mend', async () => {
  const here = place();
  for (const one of await runEach([['status'], ['drivers']], here)) {
    assert.equal(one.code, 1);
    assert.match(
      one.stderr,
      /^hotadd: \S+control\.sock: no agent answers \(ENOENT\); start one with hotadd run/,
    );
  }
});

test('plan: without an agent it looks by itself; an unread driver makes it 64, run names it', async () => {
  const here = place("drivers:\n  - { name: cache, driver: redis, url: 'unix:/no/such.sock', weight: 2 }\n");
  const [text, json] = await runEach([['plan'], ['plan', '--json']], here);
  assert.equal(text?.code, 64);
  assert.match(text?.stdout ?? '', /= room +\S+ \S+ +for drivers to share/);
  assert.match(text?.stdout ?? '', /\ncache +keep +/);
  assert.match(text?.stdout ?? '', /\ncache +keep +not known +cannot be read: /);
  assert.equal(JSON.parse(json?.stdout ?? '').errors[0].driver, 'cache');
  assert.equal(existsSync(here.state), false);
  const agent = startCli(['run'], here);
  await agent.until(/ driver cache cannot be read: /);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
});

test('history: reads the state folder without an agent, and knows the interrupted', async () => {
  const here = place();
  mkdirSync(here.state, { mode: 0o700 });
  const history = await openHistory({ folder: here.state });
  await history.intent(sampleIntent(1, { cache: [setting('1')] }));
  await history.outcome(sampleOutcome(1, { cache: { before: [setting('1')], after: [setting('2')] } }));
  await history.intent(sampleIntent(2, { other: [setting('1')] }));
  await history.close();
  const [text, json, one, none] = await runEach(
    [
      ['history'],
      ['history', '--json'],
      ['history', '--driver', 'cache', '--limit', '1', '--json'],
      ['history', '--driver', 'nobody'],
    ],
    here,
  );
  const [first = '', second = ''] = (text?.stdout ?? '').split('\n');
  assert.match(
    first,
    /^\S+Z 2 interrupted: grow \(4 GiB -> 8 GiB, memory\.max of \/app\): asked other to 2 GiB$/,
  );
  assert.match(second, /^\S+Z 1 done: /);
  const { schema, v, entries } = JSON.parse(json?.stdout ?? '');
  assert.deepEqual(
    [schema, v, entries.length, entries[0].outcome],
    ['hotadd.history/1', 1, 2, 'interrupted'],
  );
  assert.equal(JSON.parse(one?.stdout ?? '').entries[0].intent.change.changeId, 1);
  assert.match(none?.stdout ?? '', /^no change that concerns nobody is in the history in /);
});

test('release: a driver that is not configured is bad usage, and names those that are', async () => {
  const here = place('apply: true\n');
  const [one] = await runEach([['release', 'cache']], here);
  assert.equal(one?.code, 2);
  assert.match(one?.stderr ?? '', /^hotadd: there is no driver "cache"; configured: none\n$/);
});
