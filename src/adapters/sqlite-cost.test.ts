// What SQLite's page cache costs, in real memory: a full cache takes what was reckoned for it, headers of
// pages and malloc's own included. In a file of its own, so that no memory freed before is used again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { stateOf, toBudget } from '../../test/asked.ts';
import { MiB } from '../core/bytes.ts';
import { sqliteDriver } from './sqlite.ts';

const BUDGET = 48 * MiB;
const ROWS = 900_000;

test('sqlite: a full cache of small pages takes the memory that is reckoned for it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'hotadd-sqlite-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'rows.db');
  const filling = new DatabaseSync(path);
  filling.exec(`PRAGMA page_size = 512; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE notes (id INTEGER PRIMARY KEY, note BLOB);
    WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ${ROWS})
    INSERT INTO notes SELECT id, randomblob(90) FROM ids`);
  filling.close();
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  const driver = sqliteDriver('db', database);
  await toBudget(driver, BUDGET);
  const before = process.memoryUsage.rss();
  database.prepare('SELECT sum(length(note)) FROM notes').all();
  const taken = process.memoryUsage.rss() - before;
  const { costBytes } = await stateOf(driver);
  const close = taken < costBytes + 3 * MiB && taken > costBytes - 8 * MiB;
  assert.ok(close, `took ${taken} bytes where ${costBytes} were reckoned`);
});
