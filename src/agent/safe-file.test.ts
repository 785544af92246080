// Folders and files that the agent makes and believes (E4).
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSafe, makeOwnFolder } from './safe-file.ts';

test('safe file: owner and mode decide, root and the present user are believed (E4)', () => {
  const unsafe = { code: 'HOTADD_UNSAFE_FILE' };
  for (const uid of [0, 1000]) checkSafe('/x', { uid, mode: 0o100644 }, 1000);
  assert.throws(() => checkSafe('/x', { uid: 1001, mode: 0o100600 }, 1000), unsafe);
  assert.throws(() => checkSafe('/x', { uid: 1000, mode: 0o100600 }, 0), unsafe);
  assert.throws(() => checkSafe('/x', { uid: 0, mode: 0o100620 }, 0), unsafe);
  assert.throws(() => checkSafe('/x', { uid: 0, mode: 0o100602 }, 0), unsafe);
});

test('safe file: where there are no user ids nothing is checked', () => {
  checkSafe('/x', { uid: 1001, mode: 0o100666 }, null);
});

test('safe file: a folder of our own is made closed, taken again, refused if not ours (E4)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotadd-own-'));
  try {
    const own = join(folder, 'a/b');
    await makeOwnFolder(own);
    await makeOwnFolder(own);
    assert.equal((await stat(own)).mode & 0o777, 0o700);
    await chmod(own, 0o770);
    await assert.rejects(makeOwnFolder(own), { code: 'HOTADD_UNSAFE_FILE' });
    await symlink(folder, join(folder, 'link'));
    await assert.rejects(makeOwnFolder(join(folder, 'link')), { code: 'HOTADD_UNSAFE_FILE' });
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(makeOwnFolder(join(folder, 'file')), { code: 'HOTADD_UNSAFE_FILE' });
    await assert.rejects(makeOwnFolder(join(folder, 'file/below')), { code: 'HOTADD_MISSING_RIGHT' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
