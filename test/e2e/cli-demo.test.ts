// The demo as a person starts it, and as a program does. It is a check in itself: it fails when the memory of
// its own process does not follow.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ownFolder, type Ran, runCli, runEach } from '../golden/cli-process.ts';

interface Step {
  readonly schema: string;
  readonly v: number;
  readonly step: string;
  readonly atMs: number;
  readonly [key: string]: unknown;
}

describe('hotadd demo', () => {
  const home = ownFolder();
  let text: Ran;
  let steps: Step[] = [];
  let tookMs = 0;

  before(async () => {
    const startedMs = performance.now();
    const [first, second] = await runEach([['demo'], ['demo', '--json']], { home });
    tookMs = performance.now() - startedMs;
    assert.ok(first && second);
    text = first;
    assert.equal(second.code, 0, second.stdout + second.stderr);
    steps = second.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);
  });

  const of = (name: string) => steps.filter(({ step }) => step === name);

  test('demo: ends with 0, well within 15 s, and says nothing on stderr', () => {
    assert.deepEqual({ code: text.code, stderr: text.stderr }, { code: 0, stderr: '' });
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
  });

  test('demo: reads well at 80 columns, with a report line for growth and for the shrink', () => {
    for (const line of text.stdout.split('\n')) assert.ok(line.length <= 80, line);
    const flat = text.stdout.replace(/\s+/g, ' ');
    assert.match(
      flat,
      /\+128 MiB \(192 MiB -> 320 MiB, MemTotal\): pictures 64 MiB -> 112 MiB resized, proven/,
    );
    assert.match(
      flat,
      /-128 MiB \(384 MiB -> 256 MiB, MemTotal\): pictures \S+ MiB -> 88 MiB resized, proven/,
    );
    assert.match(flat, /added, not online: 2 blocks/);
    assert.match(flat, /unclaimed because of sessions: ceiling 56 MiB/);
  });

  test('demo: as JSON every step is a line with schema, version and time', () => {
    for (const { schema, v, atMs } of steps) {
      assert.deepEqual([schema, v, typeof atMs], ['hotadd.demo/1', 1, 'number']);
    }
  });

  test('demo: a change goes sense, change, plan, notify, prove, record, in this order', () => {
    const from = steps.findIndex(({ step }) => step === 'machine');
    const first = steps.slice(from, from + 12).map(({ step }) => step);
    const order = ['machine', 'sense', 'change', 'plan', 'notify', 'prove', 'record', 'witness'];
    assert.deepEqual([...new Set(first)].slice(0, order.length), order);
  });

  test('demo: the plan that is shown is the one that is carried out', () => {
    const budgets = of('plan').flatMap(({ plan }) =>
      (plan as { budgets: { driver: string; move: string; budgetBytes: number }[] }).budgets
        .filter(({ move }) => move !== 'keep')
        .map(({ driver, budgetBytes }) => `${driver} ${budgetBytes}`),
    );
    const asked = of('notify').map(({ driver, bytes }) => `${driver} ${bytes}`);
    assert.deepEqual(asked, budgets);
    assert.ok(asked.length >= 5, asked.join(', '));
  });

  test('demo: RSS, which hotadd does not count with, follows what the caches hold', () => {
    const witnesses = of('witness');
    assert.equal(witnesses.length, 2);
    for (const seen of witnesses) {
      const held = Number(seen.heldAfterBytes) - Number(seen.heldBeforeBytes);
      const rss = Number(seen.rssAfterBytes) - Number(seen.rssBeforeBytes);
      assert.ok(Math.abs(held) >= 32 * 2 ** 20, 'enough moves to be seen');
      assert.ok(Math.abs(rss - held) <= 16 * 2 ** 20, `${rss} of ${held}`);
      assert.equal(seen.follows, true);
    }
  });

  test('demo: fails when RSS does not follow, so that it is a check', async () => {
    const stuck = 'data:text/javascript,process.memoryUsage.rss=()=>1e8';
    const { code, stdout } = await runCli(['demo'], { home, nodeOptions: ['--import', stuck] });
    assert.equal(code, 1);
    assert.match(stdout, /IT DOES NOT FOLLOW/);
    assert.match(stdout, /NOT ALL OF IT PROVEN/);
  });

  test('demo: the end adds up', () => {
    const [end] = of('end');
    assert.ok(end);
    assert.equal(Number(end.costsBytes) + Number(end.unclaimedBytes), end.roomBytes);
    assert.equal(end.passed, true);
  });
});
