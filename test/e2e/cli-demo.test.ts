// The demo as a person starts it, and as a program does. It is a check in itself: it fails when anything that
// it claims does not come true. Its scenarios, seeds and claims are in src/cli/demo/play.test.ts.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ownFolder, type Ran, runCli, runEach, startCli } from '../golden/cli-process.ts';
import { assertDocumented } from '../golden/cli-reference.ts';

interface Line {
  readonly atMs: number;
  readonly scene: string;
  readonly step: string;
  readonly who: string | null;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>> | null;
}

describe('hotadd demo', () => {
  const home = ownFolder();
  let text: Ran;
  let json: Ran;
  let steps: Line[] = [];
  let tookMs = 0;

  before(async () => {
    const startedMs = performance.now();
    const [first, second] = await runEach([['demo'], ['demo', '--json', '--seed', '1']], { home });
    tookMs = performance.now() - startedMs;
    assert.ok(first && second);
    text = first;
    json = second;
    steps = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  });

  const of = (name: string) => steps.filter(({ step }) => step === name);

  test('demo: ends with 0, within a few seconds, and says nothing on stderr', () => {
    for (const { code, stderr } of [text, json]) assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
  });

  test('demo: reads well at 80 columns, on a page or two', () => {
    const lines = text.stdout.split('\n');
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.ok(lines.length >= 60 && lines.length <= 95, `${lines.length} lines`);
  });

  test('demo: as JSON every step is a line with the fields that are documented', () => {
    for (const line of json.stdout.trimEnd().split('\n')) assertDocumented(line);
    const times = steps.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      [...times].sort((one, other) => one - other),
      'simulated time only rises',
    );
  });

  test('demo: text and JSON of one seed tell the same', () => {
    const flat = text.stdout.replace(/\s+/g, ' ');
    for (const { step, text: said } of steps) {
      if (step !== 'witness' && step !== 'end') assert.ok(flat.includes(said.replace(/\s+/g, ' ')), said);
    }
  });

  test('demo: tells of refusal, hang, replacement, parking, pools and a planned shrink', () => {
    const verdicts = of('answer').map(({ data }) => data?.verdict);
    for (const verdict of ['resized', 'refused', 'stuck']) assert.ok(verdicts.includes(verdict), verdict);
    const scenes = new Set(steps.map(({ scene }) => scene));
    const wanted = ['two-partitions', 'refuses', 'hangs', 'hot-replace', 'parked', 'pools', 'planned-shrink'];
    assert.deepEqual(
      [...scenes].filter((scene) => wanted.includes(scene)),
      wanted,
    );
    const stayed = of('stayed').map(({ who }) => who);
    for (const who of ['unclaimed', 'stuck', 'parked', 'untold', 'short', 'beta'])
      assert.ok(stayed.includes(who), who);
  });

  test('demo: RSS, which hotadd does not count with, follows what the cache holds', () => {
    const witnesses = of('witness').map(({ data }) => data ?? {});
    assert.equal(witnesses.length, 2);
    for (const seen of witnesses) {
      const held = Number(seen.heldAfterBytes) - Number(seen.heldBeforeBytes);
      const rss = Number(seen.rssAfterBytes) - Number(seen.rssBeforeBytes);
      assert.ok(Math.abs(held) >= 32 * 2 ** 20, 'enough moves to be seen');
      assert.ok(Math.abs(rss - held) <= 16 * 2 ** 20, `${rss} of ${held}`);
      assert.equal(seen.follows, true);
    }
  });

  test('demo: the end adds up', () => {
    const [room] = of('stayed').map(({ data }) => data ?? {});
    assert.equal(Number(room?.costsBytes) + Number(room?.unclaimedBytes), room?.roomBytes);
    const claims = of('claim').length;
    const counted = of('statement').reduce((total, { data }) => total + Number(data?.claims), 0);
    const [end] = of('end').map(({ data }) => data ?? {});
    assert.equal(counted, claims);
    assert.deepEqual([end?.claims, end?.failed, end?.passed], [claims, 0, true]);
  });

  test('demo: fails when RSS does not follow, so that it is a check', async () => {
    const stuck = 'data:text/javascript,process.memoryUsage.rss=()=>1e8';
    const { code, stdout, stderr } = await runCli(['demo'], { home, nodeOptions: ['--import', stuck] });
    assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
    assert.match(stdout, /^ {2}FALSE \(5\) RSS, which hotadd never counts with/m);
    assert.match(stdout, /2 of \d+ claims FALSE/);
  });

  test('demo: a single scenario ends with 0 too', async () => {
    const { code, stdout } = await runCli(['demo', '--scenario', 'static', '--seed', '7'], { home });
    assert.equal(code, 0);
    assert.match(stdout, /\(seed 7\)/);
  });

  test('demo: a reader that goes away is no error', async () => {
    const { child, ended } = startCli(['demo'], { home });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });
});
