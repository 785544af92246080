// The page cache of SQLite itself, through node:sqlite and better-sqlite3. That pages are kept, and given up,
// shows in what a scan reads of the file: /proc/self/io counts it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { after } from 'node:test';
import Database from 'better-sqlite3';
import { backTo, stateOf, toBudget } from '../../test/asked.ts';
import { KiB, MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { type SqliteDatabase, sqliteDriver } from './sqlite.ts';

const dir = mkdtempSync(join(tmpdir(), 'hotadd-sqlite-'));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Opened extends SqliteDatabase {
  close(): unknown;
}

const LIBRARIES: [library: string, open: (path: string) => Opened][] = [
  ['node:sqlite', (path) => new DatabaseSync(path)],
  ['better-sqlite3', (path) => new Database(path)],
];
const SCAN = 'SELECT sum(length(picture)) AS bytes FROM pictures';
/** Rows of half a page, so that a scan goes through the cache and not past it. */
const ROW_BYTES = 1_900;

let count = 0;
/** A file of so many bytes, one connection to it, and a page cache as SQLite makes it. */
function fill(open: (path: string) => Opened, bytes = 8 * MiB, pageBytes = 4 * KiB): Opened {
  count += 1;
  const database = open(join(dir, `${count}.db`));
  const rows = Math.ceil(bytes / ROW_BYTES);
  database.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE pictures (id INTEGER PRIMARY KEY, picture BLOB);
    WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ${rows})
    INSERT INTO pictures SELECT id, randomblob(${ROW_BYTES}) FROM ids`);
  after(() => database.close());
  return database;
}

/** Bytes that a scan of the table reads from the file. */
function readByScan(database: Opened): number {
  const readBytes = () => Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  const before = readBytes();
  database.prepare(SCAN).all();
  return readBytes() - before;
}

const BUDGETS = { smallBytes: MiB, largeBytes: 24 * MiB };
for (const [library, open] of LIBRARIES) {
  const database = fill(open);
  database.exec(`ATTACH '${join(dir, `other of ${library.replace(':', ' ')}.db`)}' AS "an other"`);
  database.exec('CREATE TABLE "an other".notes (note TEXT)');
  const use = async (signal: AbortSignal) => {
    const [{ bytes }] = database.prepare(SCAN).all() as [{ bytes: number }];
    while (!signal.aborted) {
      const [found] = database.prepare(SCAN).all() as [{ bytes: number }];
      if (found.bytes !== bytes) throw new Error(`${found.bytes} bytes are there, not ${bytes}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (const { title, run } of checkDriver(() => sqliteDriver('db', database), { ...BUDGETS, use })) {
    test(`sqlite, ${library}: ${title}`, run);
  }

  test(`sqlite, ${library}: pages are kept within the budget, and given up at once`, async () => {
    const kept = fill(open);
    const driver = sqliteDriver('db', kept);
    await toBudget(driver, 16 * MiB);
    kept.prepare(SCAN).all();
    assert.ok(readByScan(kept) < MiB, 'a file within the budget is read once');
    await toBudget(driver, MiB);
    assert.ok(readByScan(kept) > 7 * MiB, 'its pages are read again after the shrink');
    assert.ok(readByScan(kept) > 6 * MiB, 'and are not kept beyond the budget');
  });

  test(`sqlite, ${library}: a shrink empties the caches, so that malloc gives more back`, async () => {
    const kept = fill(open);
    const driver = sqliteDriver('db', kept);
    await toBudget(driver, 16 * MiB);
    kept.prepare(SCAN).all();
    await toBudget(driver, 15 * MiB);
    assert.ok(readByScan(kept) > 7 * MiB, 'the file is read again, though it is within the budget');
    await toBudget(driver, 16 * MiB);
    assert.ok(readByScan(kept) < MiB, 'a growth empties nothing');
  });

  test(`sqlite, ${library}: going back sets pages and KiB exactly as they were`, async () => {
    const kept = fill(open, MiB);
    kept.exec(`PRAGMA cache_size = 777; ATTACH '${join(dir, `${library.slice(0, 4)}.db`)}' AS other`);
    const driver = sqliteDriver('db', kept);
    const { settings, costBytes } = await stateOf(driver);
    assert.deepEqual(
      settings.map(({ name }) => name),
      ['main.cache_size', 'other.cache_size'],
    );
    assert.equal(settings[0]?.value, '777');
    await toBudget(driver, 20 * MiB);
    assert.match((await stateOf(driver)).settings[0]?.value ?? '', /^-\d+$/);
    kept.exec('DETACH other');
    assert.deepEqual(await backTo(driver, settings), settings.slice(0, 1));
    const after = await stateOf(driver);
    assert.deepEqual(after.settings, settings.slice(0, 1));
    assert.ok(after.costBytes < costBytes);
  });

  test(`sqlite, ${library}: what is not kept in a cache of a size is not driven`, async () => {
    const inMemory = open(':memory:');
    await assert.rejects(
      stateOf(sqliteDriver('db', inMemory)),
      /db: the connection has no database file; open/,
    );
    inMemory.close();
    await assert.rejects(stateOf(sqliteDriver('db', inMemory)), { code: 'HOTADD_UNREADABLE', place: 'db' });
  });
}

test('sqlite: a budget is kept with pages of any size', async () => {
  for (const pageBytes of [512, 4 * KiB, 64 * KiB]) {
    const driver = sqliteDriver(
      'db',
      fill((path) => new DatabaseSync(path), MiB, pageBytes),
    );
    for (const bytes of [3 * MiB, 64 * MiB]) {
      await toBudget(driver, bytes);
      const { costBytes, stepBytes } = await stateOf(driver);
      assert.ok(costBytes <= bytes && costBytes > bytes - 2 * stepBytes, `${pageBytes}: ${costBytes}`);
    }
  }
});

test('sqlite: what it holds is not told, but by who can tell', async () => {
  const database = fill((path) => new DatabaseSync(path), MiB);
  assert.equal((await stateOf(sqliteDriver('db', database))).heldBytes, null);
  assert.equal((await stateOf(sqliteDriver('db', database, { held: async () => 4.5 }))).heldBytes, 5);
  assert.throws(() => sqliteDriver('db', new Map() as never), /db: .*it has no exec\(\); give a database/);
});
