// What a person and a program see of every captured machine. The expected texts are in expected/; after a
// change that is meant, write them anew and read the difference:
//
//   node --test --test-update-snapshots test/golden/memory.test.ts test/golden/help.test.ts
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ROOT } from '../repository.ts';
import { MACHINES, ownFolder, type Ran, runEach, runMany } from './cli-process.ts';

const TREES = readdirSync(join(ROOT, MACHINES), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const asText = { serializers: [(value: unknown) => String(value)] };
const home = ownFolder();

/** A checkout gives every folder another inode. */
function withoutInode(text: string): string {
  return text.replace(/(cgroup:[^"\n]*)@\d+/g, '$1@INODE');
}

/** Two spaces and a value a line, so that a difference can be read. */
function spread(json: string): string {
  return `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
}

describe('golden: hotadd memory', () => {
  const seen = new Map<string, { text: Ran; json: Ran }>();

  before(async () => {
    const root = (tree: string) => ['memory', '--root', `${MACHINES}/${tree}`];
    const texts = await runEach(TREES.map(root), { home });
    const values = await runMany(
      TREES.map((tree) => [...root(tree), '--json']),
      { home },
    );
    for (const [index, tree] of TREES.entries()) {
      const [text, json] = [texts[index], values[index]];
      if (text && json) seen.set(tree, { text, json });
    }
  });

  function seenOf(tree: string): { text: Ran; json: Ran } {
    const found = seen.get(tree);
    assert.ok(found, `${tree} was not run`);
    return found;
  }

  test('golden: there are captured machines, and each was run', () => {
    assert.ok(TREES.length >= 10);
    assert.equal(seen.size, TREES.length);
  });

  for (const tree of TREES) {
    test(`golden: memory of ${tree} reads as expected, within 80 columns`, (t) => {
      const { code, stdout, stderr } = seenOf(tree).text;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      // The first line is the partition's identity, to be copied: it is never shortened.
      for (const line of stdout.split('\n').slice(1))
        assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      t.assert.fileSnapshot(withoutInode(stdout), join(import.meta.dirname, `expected/${tree}.txt`), asText);
    });

    test(`golden: memory --json of ${tree} is one value on one line, as expected`, (t) => {
      const { code, stdout, stderr } = seenOf(tree).json;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, /^\{"schema":"hotadd\.memory\/1","v":1,[^\n]+\}\n$/);
      const path = join(import.meta.dirname, `expected/${tree}.json.txt`);
      t.assert.fileSnapshot(withoutInode(spread(stdout)), path, asText);
    });
  }

  const lsmem = ['/usr/bin/lsmem', '/bin/lsmem'].find(existsSync);
  const skip = lsmem ? false : 'real suite: lsmem is missing (apt-get install util-linux)';
  for (const tree of TREES.filter((name) =>
    existsSync(join(ROOT, MACHINES, name, 'sys/devices/system/memory')),
  )) {
    test(`golden: memory --json of ${tree} agrees with lsmem --sysroot`, { skip }, () => {
      const { blocks } = JSON.parse(seenOf(tree).json.stdout) as { blocks: Record<string, number> };
      const said = execFileSync(lsmem ?? '', ['--sysroot', join(ROOT, MACHINES, tree), '--bytes'], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      });
      const number = (name: string) => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(said)?.[1]);
      assert.deepEqual(blocks, {
        sizeBytes: number('Memory block size'),
        onlineBytes: number('Total online memory'),
        offlineBytes: number('Total offline memory'),
      });
    });
  }
});
