// The files of the repository, for the tests that look at all of it (tidy, docs). It walks folders instead of
// asking git, so that it works on an unpacked archive too.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Made by tools, or captured from other machines: not ours to style. */
const FOREIGN = new Set(['.git', 'node_modules', 'dist', 'fixtures']);
const TEXT = /\.(?:ts|js|json|md|yaml|yml|sh|c|html|css|svg|txt)$|(?:^|\/)(?:run|LICENSE|\.gitignore)$/;

/** Paths from the root, sorted; text files only. */
export function listFiles(folder = ''): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  const paths = entries.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (FOREIGN.has(entry.name)) return [];
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() && TEXT.test(path) ? [path] : [];
  });
  return paths.sort();
}

export function readFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function isThere(path: string): boolean {
  return existsSync(join(ROOT, path));
}

export function readJson(path: string): unknown {
  return JSON.parse(readFile(path));
}

/** Folders of src that hold TypeScript: the rooms that exist. */
export function listRooms(): string[] {
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const holdsCode = (room: string) => readdirSync(join(ROOT, 'src', room)).some(isShipped);
  return folders.map((entry) => entry.name).filter(holdsCode);
}

function isShipped(name: string): boolean {
  return name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts');
}

/** Fails with one line for each problem, ready to click on. */
export function none(problems: readonly string[]): void {
  if (problems.length > 0) assert.fail(`\n${problems.join('\n')}`);
}
