// The history on a real disk that is full or read-only, and a file of somebody else (E2, E4).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileIn, inFolder, isError, record } from '../../test/fixtures/history/in-folder.ts';
import { sampleIntent, setting } from '../../test/fixtures/history/sample.ts';
import { openHistory } from './history.ts';
import { readHistory } from './history-reading.ts';

const asRoot = process.platform === 'linux' && process.getuid?.() === 0;

test(
  'history: a real disk that is full, then not, then read-only (E2)',
  {
    skip: asRoot ? false : 'needs root to mount a tmpfs; run the tests as root',
  },
  () =>
    inFolder(async (folder) => {
      const disk = join(folder, 'disk');
      await mkdir(disk, { mode: 0o700 });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'hotadd-test', disk]);
      try {
        const history = await openHistory({ folder: disk });
        await writeFile(join(disk, 'ballast'), Buffer.alloc(48 * 1024));
        const drivers = { redis: [setting('x'.repeat(3000))] };
        let written = 0;
        const full = (async () => {
          for (;;) {
            await history.intent(sampleIntent(written + 1, drivers));
            written += 1;
          }
        })();
        await assert.rejects(full, isError('HOTADD_HISTORY', /ENOSPC.*free some space/));
        const text = await readFile(fileIn(disk), 'utf8');
        assert.ok(text.endsWith('\n'));
        assert.equal(text.trimEnd().split('\n').length, written);
        await rm(join(disk, 'ballast'));
        await history.intent(sampleIntent(written + 1, drivers));
        await history.close();
        execFileSync('mount', ['-o', 'remount,ro', disk]);
        await assert.rejects(openHistory({ folder: disk }), isError('HOTADD_HISTORY', /EROFS.*read-only/));
        assert.equal((await (await readHistory(disk)).entries()).length, written + 1);
      } finally {
        execFileSync('umount', [disk]);
      }
    }),
);

test(
  'history: a symbolic link to a file of a stranger is refused (E4)',
  {
    skip: asRoot ? false : 'needs root to give a file to somebody else; run the tests as root',
  },
  () =>
    inFolder(async (folder) => {
      await record(folder, [1]);
      await rename(fileIn(folder), join(folder, 'elsewhere'));
      execFileSync('chown', ['12345', join(folder, 'elsewhere')]);
      execFileSync('ln', ['-s', join(folder, 'elsewhere'), fileIn(folder)]);
      await assert.rejects(openHistory({ folder }), isError('HOTADD_UNSAFE_FILE', /belongs to user 12345/));
    }),
);

test('history: a file or folder that others may write is refused with the mend (E4)', () =>
  inFolder(async (folder) => {
    await record(folder, [1]);
    await chmod(fileIn(folder), 0o620);
    await assert.rejects(
      openHistory({ folder }),
      isError('HOTADD_UNSAFE_FILE', /chmod go-w .*history\.ndjson/),
    );
    await chmod(fileIn(folder), 0o600);
    await chmod(folder, 0o777);
    await assert.rejects(openHistory({ folder }), isError('HOTADD_UNSAFE_FILE', /chmod go-w/));
    await chmod(folder, 0o700);
    await (await openHistory({ folder })).close();
  }));

test('history: a place that cannot hold it is one clear error', () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      openHistory({ folder: join(folder, 'file') }),
      isError('HOTADD_HISTORY', /is a file/),
    );
    await mkdir(fileIn(folder));
    await assert.rejects(
      openHistory({ folder }),
      isError('HOTADD_HISTORY', /EISDIR.*a folder stands in its place/),
    );
    await rm(fileIn(folder), { recursive: true });
    execFileSync('mkfifo', [fileIn(folder)]);
    await assert.rejects(openHistory({ folder }), isError('HOTADD_HISTORY', /not a regular file/));
  }));
