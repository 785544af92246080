// A real child that records changes is killed with -9 at random moments, again and again, in one folder (E2).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inFolder } from '../../test/fixtures/history/in-folder.ts';
import { type History, openHistory } from './history.ts';

const CHILD = fileURLToPath(new URL('../../test/fixtures/history/append-forever.ts', import.meta.url));
const SEED = 20_260_101;

/** Small, seeded, repeatable: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Kills the child some moments after its `lines`-th acknowledgement; gives back all that it acknowledged. */
function appendUntilKilled(
  folder: string,
  compactAbove: number,
  lines: number,
  thenMs: number,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder, String(compactAbove)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    let doomed = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      if (doomed || said.split('\n').length <= lines) return;
      doomed = true;
      setTimeout(() => child.kill('SIGKILL'), thenMs);
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error('the child ended by itself'));
      resolve(said.split('\n').slice(0, -1));
    });
  });
}

async function checkAcknowledged(history: History, acknowledged: readonly string[]): Promise<void> {
  assert.deepEqual(history.broken, []);
  const entries = await history.entries();
  const byId = new Map(entries.map((entry) => [entry.intent.change.changeId, entry]));
  // Interrupted ones stay however old they are, until their drivers have been told.
  const ended = entries.filter((entry) => typeof entry.outcome === 'object');
  const oldest = Math.min(...ended.map((entry) => entry.intent.change.changeId));
  for (const line of acknowledged) {
    const [what, id] = line.split(' ');
    // Older ones were left out on purpose, when the file grew large.
    if (Number(id) < oldest) continue;
    const entry = byId.get(Number(id));
    assert.ok(entry, `intent ${id} was acknowledged and is missing`);
    if (what === 'outcome') assert.equal(typeof entry.outcome, 'object', `outcome ${id} is missing`);
  }
  const ids = entries.map((entry) => entry.intent.change.changeId);
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((left, right) => right - left),
  );
}

for (const { title, kills, compactAbove } of [
  { title: 'every acknowledged entry is there', kills: 40, compactAbove: 1e9 },
  { title: 'also while old entries are left out', kills: 30, compactAbove: 6000 },
]) {
  test(`history: after kill -9 at ${kills} random moments, ${title} (E2, seed ${SEED})`, () =>
    inFolder(async (folder) => {
      const next = random(SEED);
      const acknowledged: string[] = [];
      let lastId = 0;
      for (let kill = 0; kill < kills; kill += 1) {
        const lines = 1 + Math.floor(next() * 25);
        const said = await appendUntilKilled(folder, compactAbove, lines, Math.floor(next() * 8));
        acknowledged.push(...said);
        const ids = said.map((line) => Number(line.split(' ')[1]));
        assert.ok(Math.min(...ids) > lastId, 'an id was used twice');
        lastId = Math.max(...ids);
        const history = await openHistory({ folder, compactAboveBytes: compactAbove });
        await checkAcknowledged(history, acknowledged);
        assert.ok(
          (await history.entries({ limit: 1 })).some((entry) => entry.intent.change.changeId >= lastId),
        );
        assert.equal(history.driver('redis')?.foundSettings[0]?.value, '0');
        lastId = history.nextChangeId() - 1;
        await history.close();
      }
      assert.ok(acknowledged.length > kills);
    }));
}
