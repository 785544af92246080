// The history: what was written comes back, over restarts, crashes and versions (E2, E3, E9).
import assert from 'node:assert/strict';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileIn, inFolder, isError, record } from '../../test/fixtures/history/in-folder.ts';
import { sampleIntent, sampleOutcome, setting } from '../../test/fixtures/history/sample.ts';
import { openHistory } from './history.ts';
import { readHistory } from './history-reading.ts';

test('history: gives back changes newest first, with their outcomes (E2)', () =>
  inFolder(async (folder) => {
    await record(folder, [1, 2, 3]);
    const history = await openHistory({ folder });
    const entries = await history.entries({ limit: 2 });
    assert.deepEqual(entries, [
      {
        intent: sampleIntent(3, { redis: [setting('1')] }),
        outcome: sampleOutcome(3, { redis: { before: [setting('1')], after: [setting('2')] } }),
      },
      {
        intent: sampleIntent(2, { redis: [setting('1')] }),
        outcome: sampleOutcome(2, { redis: { before: [setting('1')], after: [setting('2')] } }),
      },
    ]);
    assert.equal((await history.entries()).length, 3);
    assert.equal((await history.entries({ driver: 'pg' })).length, 0);
    assert.equal((await history.entries({ driver: 'redis', limit: 1 })).length, 1);
    await history.close();
  }));

test('history: makes its folder and file for the owner only', () =>
  inFolder(async (folder) => {
    const deep = join(folder, 'var/lib/hotadd');
    await record(deep, [1]);
    assert.equal((await stat(deep)).mode & 0o777, 0o700);
    assert.equal((await stat(fileIn(deep))).mode & 0o777, 0o600);
  }));

test('history: every line has version 1 (E9)', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    const lines = (await readFile(fileIn(folder), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).v),
      [1, 1],
    );
  }));

test('history: change ids rise over restarts, also when the last intent has no outcome (E2)', () =>
  inFolder(async (folder) => {
    await record(folder, [1, 2]);
    const first = await openHistory({ folder });
    assert.equal(first.nextChangeId(), 3);
    assert.equal(first.nextChangeId(), 4);
    await first.intent(sampleIntent(4));
    await first.close();
    const second = await openHistory({ folder });
    assert.equal(second.nextChangeId(), 5);
    await second.close();
  }));

test('history: an intent without outcome is running in its own life and interrupted afterwards (E2)', () =>
  inFolder(async (folder) => {
    const first = await openHistory({ folder });
    await first.intent(sampleIntent(1, { redis: [setting('1')] }));
    assert.equal((await first.entries())[0]?.outcome, 'running');
    assert.deepEqual(first.interrupted(), []);
    await first.close();
    const second = await openHistory({ folder });
    assert.equal((await second.entries())[0]?.outcome, 'interrupted');
    assert.deepEqual(second.interrupted(), [sampleIntent(1, { redis: [setting('1')] })]);
    await second.ended(1);
    assert.deepEqual(second.interrupted(), []);
    await second.close();
    const third = await openHistory({ folder });
    assert.deepEqual(third.interrupted(), []);
    assert.equal((await third.entries())[0]?.outcome, 'interrupted');
    await third.close();
  }));

test('history: a second intent of the same change adds its drivers', () =>
  inFolder(async (folder) => {
    const history = await openHistory({ folder });
    await history.intent(sampleIntent(1, { redis: [setting('1')] }));
    await history.intent(sampleIntent(1, { redis: [setting('9')], pg: [setting('3')] }));
    const [entry] = await history.entries({ limit: 1 });
    assert.deepEqual(
      entry?.intent.drivers.map((each) => [each.driver, each.settings[0]?.value]),
      [
        ['redis', '1'],
        ['pg', '3'],
      ],
    );
    assert.equal(history.driver('redis')?.foundSettings[0]?.value, '1');
    await history.close();
  }));

test('history: a broken line in the middle is skipped, named and kept, and its id is not used again', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    const broken = '{"v":1,"kind":"intent","intent":{"change":{"changeId":77,"ki';
    await appendFile(fileIn(folder), `${broken}\n`);
    await appendFile(fileIn(folder), '{"v":1,"kind":"release","driver":"nobody","at":1}\n');
    const history = await openHistory({ folder });
    assert.equal(history.setAside, null);
    assert.deepEqual(
      history.broken.map((each) => each.line),
      [3],
    );
    assert.match(history.broken[0]?.problem ?? '', /^not JSON/);
    assert.equal((await history.entries()).length, 1);
    assert.equal(history.nextChangeId(), 78);
    await history.close();
    assert.match(await readFile(fileIn(folder), 'utf8'), /"changeId":77,"ki\n/);
  }));

test('history: keys and kinds it does not know are ignored and kept (E9)', () =>
  inFolder(async (folder) => {
    const later = { v: 1, kind: 'weather', rain: true };
    const intent = { v: 1, kind: 'intent', intent: { ...sampleIntent(5), mood: 'good' }, extra: 1 };
    await writeFile(fileIn(folder), `${JSON.stringify(later)}\n${JSON.stringify(intent)}\n`, { mode: 0o600 });
    const history = await openHistory({ folder });
    assert.deepEqual(history.broken, []);
    assert.equal(history.setAside, null);
    assert.equal(history.nextChangeId(), 6);
    assert.equal((await history.entries()).length, 1);
    await history.close();
    assert.match(await readFile(fileIn(folder), 'utf8'), /weather/);
  }));

test('history: a file of a later version is not guessed at (E9)', () =>
  inFolder(async (folder) => {
    await writeFile(fileIn(folder), '{"v":2,"kind":"intent"}\n', { mode: 0o600 });
    await assert.rejects(
      openHistory({ folder }),
      isError('HOTADD_HISTORY', /ndjson:1: .*later hotadd \(v 2/),
    );
    assert.equal(await readFile(fileIn(folder), 'utf8'), '{"v":2,"kind":"intent"}\n');
  }));

test('history: reading alone changes nothing, and a folder without history is empty', () =>
  inFolder(async (folder) => {
    const nothing = await readHistory(join(folder, 'nowhere'));
    assert.deepEqual(await nothing.entries(), []);
    assert.equal(nothing.driver('redis'), null);
    await record(folder, [1]);
    await appendFile(fileIn(folder), '{"torn');
    const before = await readFile(fileIn(folder));
    const seen = await readHistory(folder);
    assert.deepEqual(seen.setAside, { bytes: 6, file: null });
    assert.equal((await seen.entries()).length, 1);
    assert.equal(seen.driver('redis')?.lastSet?.settings[0]?.value, '2');
    assert.deepEqual(await readFile(fileIn(folder)), before);
  }));

test('history: grown large, it keeps the newest changes and never the settings as found less (E3)', () =>
  inFolder(async (folder) => {
    const history = await openHistory({ folder, compactAboveBytes: 20_000, wallMs: () => 1 });
    await history.intent(sampleIntent(1, { old: [setting('as found')] }));
    await history.outcome(
      sampleOutcome(1, { old: { before: [setting('as found')], after: [setting('7')] } }),
    );
    await history.intent(sampleIntent(2, { lost: [setting('before the crash')] }));
    for (let id = 3; id <= 400; id += 1) {
      const before = [setting(String(id - 1))];
      await history.intent(sampleIntent(id, { redis: before }));
      await history.outcome(sampleOutcome(id, { redis: { before, after: [setting(String(id))] } }));
    }
    await history.close();
    assert.ok((await stat(fileIn(folder))).size < 30_000);
    const again = await openHistory({ folder });
    assert.equal(again.driver('old')?.foundSettings[0]?.value, 'as found');
    assert.equal(again.driver('old')?.lastSet?.settings[0]?.value, '7');
    assert.equal(again.driver('redis')?.foundSettings[0]?.value, '2');
    assert.equal(again.driver('redis')?.lastSet?.settings[0]?.value, '400');
    assert.equal(again.driver('lost')?.interrupted, true);
    assert.deepEqual(
      again.interrupted().map((intent) => intent.change.changeId),
      [2],
    );
    assert.equal(again.nextChangeId(), 401);
    const entries = await again.entries();
    assert.ok(entries.length > 3 && entries.length < 40);
    assert.equal(entries[0]?.intent.change.changeId, 400);
    await again.close();
  }));

test('history: the newest change stays whole, however large it is (E2)', () =>
  inFolder(async (folder) => {
    const before = [setting('x'.repeat(3000))];
    const history = await openHistory({ folder, compactAboveBytes: 4000 });
    for (let id = 1; id <= 5; id += 1) {
      await history.intent(sampleIntent(id, { redis: before }));
      await history.outcome(sampleOutcome(id, { redis: { before, after: [setting('2')] } }));
      const [newest] = await history.entries({ limit: 1 });
      assert.equal(newest?.intent.change.changeId, id);
      assert.equal(typeof newest.outcome, 'object');
    }
    await history.close();
    const again = await openHistory({ folder, compactAboveBytes: 4000 });
    assert.equal((await again.entries({ limit: 1 }))[0]?.intent.change.changeId, 5);
    await again.close();
  }));

test('history: what is remembered of many drivers does not crowd out the newest changes (E3)', () =>
  inFolder(async (folder) => {
    const names = Array.from({ length: 60 }, (_, index) => `driver-${index}`);
    const before = Object.fromEntries(names.map((name) => [name, [setting('1')]]));
    const answers = Object.fromEntries(
      names.map((name) => [name, { before: [setting('1')], after: [setting('2')] }]),
    );
    for (let life = 1; life <= 6; life += 1) {
      const history = await openHistory({ folder, compactAboveBytes: 4000 });
      const id = history.nextChangeId();
      assert.equal(id, life);
      await history.intent(sampleIntent(id, life === 1 ? before : {}));
      await history.outcome(sampleOutcome(id, life === 1 ? answers : {}));
      await history.close();
      const again = await openHistory({ folder, compactAboveBytes: 4000 });
      assert.equal((await again.entries({ limit: 1 }))[0]?.intent.change.changeId, id);
      assert.equal(again.driver('driver-59')?.lastSet?.settings[0]?.value, '2');
      await again.close();
    }
  }));

test('history: a released driver stays forgotten over a restart (E3)', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    const first = await openHistory({ folder });
    await first.release('redis');
    assert.equal(first.driver('redis'), null);
    await first.close();
    const second = await openHistory({ folder });
    assert.equal(second.driver('redis'), null);
    assert.equal((await second.entries()).length, 1);
    await second.close();
  }));
