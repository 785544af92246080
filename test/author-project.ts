// A project of an author: a folder with the package as it is built, installed as npm would install it, and
// programs in it that run as processes of their own.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ROOT } from './repository.ts';

/** Builds what the package ships: `hotadd`, `hotadd/testing` and `hotadd/lab`. */
export function buildPackage(): void {
  const rooms = ['src', 'src/testing', 'lab'];
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-b', ...rooms], { cwd: ROOT });
}

/** @param packages of this repository that the author has installed too. @returns the folder. */
export function authorProject(t: TestContext, packages: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-author-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "name": "author", "type": "module", "private": true }\n');
  mkdirSync(join(folder, 'node_modules/hotadd'), { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(join(ROOT, part), join(folder, 'node_modules/hotadd', part), { recursive: true });
  for (const name of packages)
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

export interface Ran {
  readonly code: number;
  readonly said: string;
}

/** Runs a program of the project on this Node until it ends by itself. */
export function runIn(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { NODE_TEST_CONTEXT: _ours, ...own } = process.env;
  return new Promise((resolve) => {
    const options = { cwd, env: { ...own, CI: 'true', NO_COLOR: '1', ...env } };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: `${stdout}${stderr}` });
    });
  });
}
