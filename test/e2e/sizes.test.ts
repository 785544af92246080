// The sizes that README.md states: what npm downloads of hotadd, and what an installation takes on the disk
// with koffi and without. They may be off by a fifth, no more.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, readFile, readJson } from '../repository.ts';

const MB = 1e6;
const OFF_BY = 0.2;
const STATED =
  /download is ([\d.]+) MB; installed it\s+takes ([\d.]+) MB, and ([\d.]+) MB with the optional koffi/;

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What `npm pack` makes of this checkout as it is built. */
function packed(): { size: number; unpackedSize: number } {
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-b'], { cwd: ROOT });
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const said: unknown = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
  // npm 11 gives a list, later ones may give a table by name.
  return Object.values(said as object)[0];
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}

/** Packages and all that they need, each once; of optional ones those that this platform has. */
function closure(names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name) || !existsSync(join(ROOT, 'node_modules', name))) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = readJson(
      `node_modules/${name}/package.json`,
    ) as Manifest;
    closure([...Object.keys(dependencies), ...Object.keys(optionalDependencies)], found);
  }
  return found;
}

function installedBytes(names: Iterable<string>): number {
  return [...names].reduce((sum, name) => sum + bytesBelow(join(ROOT, 'node_modules', name)), 0);
}

test('sizes: README.md states what is downloaded and installed, to a fifth', () => {
  const { dependencies = {}, optionalDependencies = {} } = readJson('package.json') as Manifest;
  const { size, unpackedSize } = packed();
  const needed = closure(Object.keys(dependencies));
  const optional = closure(Object.keys(optionalDependencies));
  assert.ok(needed.size >= 3 && optional.size >= 2, `${[...needed, ...optional]}`);
  const installed = unpackedSize + installedBytes(needed);
  const real = [size, installed, installed + installedBytes(optional)].map((bytes) => bytes / MB);
  const stated = STATED.exec(readFile('README.md'))?.slice(1).map(Number) ?? [];
  const says = `it is ${real.map((mb) => mb.toFixed(2)).join(', ')} MB`;
  assert.equal(stated.length, 3, `the sentence was not found in README.md; ${says}`);
  for (const [index, mb] of real.entries()) {
    const off = Math.abs((stated[index] ?? 0) / mb - 1);
    assert.ok(off <= OFF_BY, `README.md says ${stated.join(', ')} MB, ${says}`);
  }
});
