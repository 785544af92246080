// Which files are believed to be the configuration (E4).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HotaddError, messageOf } from '../core/errors.ts';
import { readConfig } from './config.ts';

async function refused(path: string): Promise<HotaddError> {
  const error: unknown = await readConfig(path).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof HotaddError, messageOf(error));
  return error;
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hotadd-config-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('config: a missing file, a folder, a pipe and a file too long are each one clear error (E4)', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'hotadd.yaml');
    assert.equal(
      (await refused(path)).message,
      `${path}: there is no such file; write one, or name another with --config`,
    );
    await mkdir(path);
    assert.equal((await refused(path)).message, `${path}: is a folder; name a regular file`);
    await rm(path, { recursive: true });
    execFileSync('mkfifo', ['-m', '600', path]);
    assert.equal((await refused(path)).message, `${path}: is not a regular file; name a regular file`);
    await rm(path);
    await writeFile(path, `version: 1\n#${'x'.repeat(1024 * 1024)}`, { mode: 0o600 });
    assert.match(
      (await refused(path)).message,
      /: is 1048588 bytes long, more than 1048576; name the right file$/,
    );
    assert.equal((await refused(join(path, 'below'))).code, 'HOTADD_BAD_CONFIG');
  }));

test('config: a file that others may write is refused, with the command that mends it (E4)', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'hotadd.yaml');
    await writeFile(path, 'version: 1\n');
    for (const mode of [0o664, 0o646, 0o666]) {
      await chmod(path, mode);
      const error = await refused(path);
      assert.equal(error.code, 'HOTADD_UNSAFE_FILE');
      assert.equal(error.mend, `run: chmod go-w ${path}`);
      assert.match(error.message, new RegExp(`mode 0${mode.toString(8)}`));
    }
    for (const mode of [0o644, 0o600, 0o440]) {
      await chmod(path, mode);
      assert.equal((await readConfig(path)).version, 1);
    }
  }));

test('config: a folder that everybody may write is refused unless sticky, also behind a link (E4)', () =>
  inFolder(async (folder) => {
    const open = join(folder, 'open');
    const path = join(open, 'hotadd.yaml');
    const link = join(folder, 'link.yaml');
    await mkdir(open);
    await writeFile(path, 'version: 1\n', { mode: 0o644 });
    await symlink(path, link);
    await chmod(open, 0o777);
    for (const name of [path, link]) {
      const error = await refused(name);
      assert.equal(error.code, 'HOTADD_UNSAFE_FILE');
      assert.match(error.message, /open: the folder may be written by everybody; run: chmod o-w .*open$/);
    }
    await chmod(open, 0o1777);
    assert.equal((await readConfig(link)).version, 1);
  }));

const asRoot = process.platform === 'linux' && process.getuid?.() === 0;

test(
  'config: a file of a stranger is refused; a read-only mount of mode 0777, as for a ConfigMap, is not (E4)',
  {
    skip: asRoot ? false : 'needs root to give files away and to mount; run the tests as root',
  },
  () =>
    inFolder(async (folder) => {
      const path = join(folder, 'hotadd.yaml');
      await writeFile(path, 'version: 1\n', { mode: 0o644 });
      execFileSync('chown', ['12345', path]);
      assert.match((await refused(path)).message, /belongs to user 12345; .*chown 0/);
      const mount = join(folder, 'config');
      await mkdir(mount);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0777', 'hotadd-test', mount]);
      try {
        await writeFile(join(mount, 'hotadd.yaml'), 'version: 1\n', { mode: 0o644 });
        assert.equal((await refused(join(mount, 'hotadd.yaml'))).code, 'HOTADD_UNSAFE_FILE');
        execFileSync('mount', ['-o', 'remount,ro', mount]);
        assert.equal((await readConfig(join(mount, 'hotadd.yaml'))).version, 1);
      } finally {
        execFileSync('umount', [mount]);
      }
    }),
);
