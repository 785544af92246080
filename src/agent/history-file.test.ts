// What was acknowledged is on disk, whatever happens to the disk (E2).
import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { appendFile, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileIn, inFolder, isError, record } from '../../test/fixtures/history/in-folder.ts';
import { sampleIntent, sampleOutcome, setting } from '../../test/fixtures/history/sample.ts';
import { type Disk, diskOs } from './disk.ts';
import { openHistory } from './history.ts';

import { readHistory } from './history-reading.ts';

test('history: a last line torn at any byte is set aside, and nothing whole is lost (E2)', () =>
  inFolder(async (folder) => {
    await record(folder, [1, 2]);
    const whole = await readFile(fileIn(folder));
    const lastStart = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (let cut = lastStart; cut < whole.length; cut += 1) {
      await rm(`${fileIn(folder)}.torn`, { force: true });
      await writeFile(fileIn(folder), whole.subarray(0, cut));
      const history = await openHistory({ folder });
      const torn = cut - lastStart;
      assert.deepEqual(history.setAside, torn ? { bytes: torn, file: `${fileIn(folder)}.torn` } : null);
      const entries = await history.entries();
      assert.deepEqual(
        entries.map((entry) => (typeof entry.outcome === 'string' ? entry.outcome : 'whole')),
        ['interrupted', 'whole'],
      );
      assert.equal(history.nextChangeId(), 3);
      await history.close();
      assert.deepEqual(await readFile(fileIn(folder)), whole.subarray(0, lastStart));
      if (!torn) continue;
      const kept = await readFile(`${fileIn(folder)}.torn`);
      assert.deepEqual(kept, Buffer.concat([whole.subarray(lastStart, cut), Buffer.from('\n')]));
    }
  }));

test('history: zeros and bytes that are not text after a power cut are set aside (E2)', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    const whole = await readFile(fileIn(folder));
    const junk = Buffer.concat([
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.alloc(64),
      Buffer.from('\n{"v":1\n\0'),
    ]);
    await appendFile(fileIn(folder), junk);
    const history = await openHistory({ folder });
    assert.equal(history.setAside?.bytes, junk.length);
    assert.deepEqual(history.broken, []);
    await history.intent(sampleIntent(history.nextChangeId()));
    await history.close();
    assert.deepEqual((await readFile(fileIn(folder))).subarray(0, whole.length), whole);
    const again = await openHistory({ folder });
    assert.equal(again.setAside, null);
    assert.equal((await again.entries()).length, 2);
    await again.close();
  }));

test('history: appends asked for at the same time are written one after the other, in order', () =>
  inFolder(async (folder) => {
    const history = await openHistory({ folder });
    const ids = Array.from({ length: 50 }, () => history.nextChangeId());
    await Promise.all(ids.map((id) => history.intent(sampleIntent(id))));
    await history.close();
    const lines = (await readFile(fileIn(folder), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).intent.change.changeId),
      ids,
    );
  }));

test('history: lines longer than a piece read at once come back whole', () =>
  inFolder(async (folder) => {
    const drivers = Object.fromEntries(
      Array.from({ length: 6000 }, (_, index) => [`cache-ä-${index}`, [setting(`${index}`)]]),
    );
    const first = await openHistory({ folder });
    for (const id of [1, 2]) await first.intent(sampleIntent(id, drivers));
    await first.close();
    assert.ok((await stat(fileIn(folder))).size > 1024 * 1024);
    const history = await openHistory({ folder });
    assert.deepEqual(
      (await history.entries()).map((entry) => entry.intent),
      [sampleIntent(2, drivers), sampleIntent(1, drivers)],
    );
    await history.close();
  }));

test('history: a file that was removed or replaced while it ran is not written to', () =>
  inFolder(async (folder) => {
    const history = await openHistory({ folder });
    await rm(fileIn(folder));
    await assert.rejects(history.intent(sampleIntent(1)), isError('HOTADD_HISTORY', /restart hotadd/));
    await writeFile(fileIn(folder), '');
    await assert.rejects(history.intent(sampleIntent(1)), isError('HOTADD_HISTORY', /somebody else/));
    await history.close();
  }));

/** A disk on which the `failAt`-th write or sync fails; a failing write has already written half. */
function failingDisk(failAt: (operation: number, what: 'write' | 'sync' | 'truncate') => string | null) {
  let operation = 0;
  const fail = (what: 'write' | 'sync' | 'truncate') => {
    operation += 1;
    const code = failAt(operation, what);
    return code ? Object.assign(new Error(code), { code }) : null;
  };
  const openFailing: Disk['open'] = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    if (flags & constants.O_DIRECTORY) return handle;
    return {
      read: (buffer, offset, length, position) => handle.read(buffer, offset, length, position),
      stat: () => handle.stat(),
      close: () => handle.close(),
      write: async (buffer, offset, length, position) => {
        const failure = fail('write');
        // A short write is no failure: the rest is written after it.
        const some = Math.ceil(length / 2);
        const result = await handle.write(buffer, offset, some, position);
        if (failure) throw failure;
        return result;
      },
      sync: async () => {
        const failure = fail('sync');
        if (failure) throw failure;
        await handle.sync();
      },
      truncate: async (length) => {
        const failure = fail('truncate');
        if (failure) throw failure;
        await handle.truncate(length);
      },
    };
  };
  return { ...diskOs, open: openFailing };
}

test('history: nothing is acknowledged, and no file takes the place of another, before fsync (E2)', () =>
  inFolder(async (folder) => {
    const done: string[] = [];
    const disk = failingDisk((_, what) => {
      done.push(what);
      return null;
    });
    const history = await openHistory({ folder, disk, compactAboveBytes: 2000 });
    for (let id = 1; id <= 12; id += 1) {
      done.length = 0;
      await history.intent(sampleIntent(id));
      assert.equal(done.at(-1), 'sync');
      // Two when the file was made smaller as well: one for the entry, one for the file that took its place.
      const whole = done.join(' ').replace(/write /g, '');
      assert.ok(whole === 'sync' || whole === 'sync sync', whole);
      if (whole === 'sync') continue;
      assert.match(done.join(' '), /^(write )+sync (write )+sync$/);
      await history.close();
      return;
    }
    assert.fail('the file was never made smaller');
  }));

test('history: a write that fails half way is cut away, and the next one succeeds (E2)', () =>
  inFolder(async (folder) => {
    let code: string | null = null;
    const disk = failingDisk((_, what) => (what === 'truncate' ? null : code));
    const history = await openHistory({ folder, disk });
    await history.intent(sampleIntent(1));
    const before = await readFile(fileIn(folder));
    for (const each of ['ENOSPC', 'EIO', 'EDQUOT']) {
      code = each;
      await assert.rejects(history.intent(sampleIntent(2)), isError('HOTADD_HISTORY', new RegExp(each)));
      code = null;
      assert.deepEqual(await readFile(fileIn(folder)), before);
    }
    await history.intent(sampleIntent(3));
    await history.close();
    const seen = await readHistory(folder);
    assert.deepEqual(
      (await seen.entries()).map((entry) => entry.intent.change.changeId),
      [3, 1],
    );
  }));

test('history: half a line that could not be cut away at once is cut away before the next write (E2)', () =>
  inFolder(async (folder) => {
    let broken = false;
    const history = await openHistory({ folder, disk: failingDisk(() => (broken ? 'EIO' : null)) });
    broken = true;
    await assert.rejects(history.intent(sampleIntent(1, { redis: [setting('a long value '.repeat(50))] })));
    broken = false;
    assert.ok((await stat(fileIn(folder))).size > 0);
    await history.intent(sampleIntent(2));
    await history.close();
    const seen = await readHistory(folder);
    assert.equal(seen.setAside, null);
    assert.deepEqual(
      (await seen.entries()).map((entry) => entry.intent.change.changeId),
      [2],
    );
  }));

test('history: an outcome that could not be written is written with the next entry (E2)', () =>
  inFolder(async (folder) => {
    let broken = false;
    const history = await openHistory({ folder, disk: failingDisk(() => (broken ? 'ENOSPC' : null)) });
    await history.intent(sampleIntent(1, { redis: [setting('1')] }));
    broken = true;
    const answers = { redis: { before: [setting('1')], after: [setting('2')] } };
    await assert.rejects(
      history.outcome(sampleOutcome(1, answers)),
      isError('HOTADD_HISTORY', /free some space/),
    );
    assert.equal(history.driver('redis')?.lastSet?.settings[0]?.value, '2');
    broken = false;
    await history.intent(sampleIntent(2));
    assert.equal(typeof (await history.entries())[1]?.outcome, 'object');
    await history.intent(sampleIntent(3));
    await history.close();
    assert.equal((await readFile(fileIn(folder), 'utf8')).match(/"kind":"outcome"/g)?.length, 1);
  }));

test('history: whatever the disk refuses at whatever step, what was acknowledged is there (E2)', async () => {
  for (let failAt = 1; failAt <= 90; failAt += 1) {
    await inFolder(async (folder) => {
      // From one operation on nothing works any more, as when the machine dies there.
      const disk = failingDisk((operation) => (operation >= failAt ? 'EIO' : null));
      const acknowledged: string[] = [];
      const history = await openHistory({ folder, disk, compactAboveBytes: 4000 }).catch(() => null);
      for (let id = 1; history && id <= 12; id += 1) {
        const before = [setting(String(id - 1))];
        const done = await history.intent(sampleIntent(id, { redis: before })).then(
          () => true,
          () => false,
        );
        if (!done) break;
        acknowledged.push(`intent ${id}`);
        const outcome = sampleOutcome(id, { redis: { before, after: [setting(String(id))] } });
        await history.outcome(outcome).then(
          () => acknowledged.push(`outcome ${id}`),
          () => {},
        );
      }
      const again = await openHistory({ folder });
      const last = acknowledged.filter((line) => line.startsWith('intent')).length;
      const [newest] = await again.entries({ limit: 1 });
      if (last > 0) {
        assert.ok((newest?.intent.change.changeId ?? 0) >= last, `failAt ${failAt}`);
        assert.equal(again.driver('redis')?.foundSettings[0]?.value, '0', `failAt ${failAt}`);
        assert.ok(again.nextChangeId() > last);
      }
      if (acknowledged.at(-1) === `outcome ${last}` && newest?.intent.change.changeId === last) {
        assert.equal(typeof newest.outcome, 'object', `failAt ${failAt}`);
      }
      await again.close();
      await history?.close().catch(() => {});
    });
  }
});

test('history: a disk too full to make the file smaller loses nothing', () =>
  inFolder(async (folder) => {
    let compacting = false;
    const history = await openHistory({
      folder,
      compactAboveBytes: 2000,
      disk: {
        ...diskOs,
        open: async (path, flags, mode) => {
          compacting ||= path.endsWith('.new');
          if (path.endsWith('.new')) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
          return open(path, flags, mode);
        },
      },
    });
    for (let id = 1; id <= 10; id += 1) await history.intent(sampleIntent(id, { redis: [setting('1')] }));
    assert.ok(compacting);
    assert.equal((await history.entries()).length, 10);
    await history.close();
  }));

test('history: what is left of a replacement that never happened is removed', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    await writeFile(`${fileIn(folder)}.new`, 'half');
    await (await openHistory({ folder })).close();
    await assert.rejects(stat(`${fileIn(folder)}.new`), { code: 'ENOENT' });
  }));
