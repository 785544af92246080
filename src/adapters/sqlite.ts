// The page cache of SQLite: PRAGMA cache_size of each database file on one connection, node:sqlite or
// better-sqlite3. A budget is shared evenly between the files that are attached when it comes.
//
// From pcache.c and pcache1.c of SQLite 3.40 to 3.54: -N is taken for as many pages as fit into N KiB with
// 136 bytes for each, while a page takes up to 272 beside its content: its headers and those of malloc.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { HotaddError, messageOf, Refusal } from '../core/errors.ts';
import { instanceOf } from './knob.ts';
import { expectMethods } from './options.ts';

/** A DatabaseSync of node:sqlite or a Database of better-sqlite3. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): { all(): unknown[] };
}

export interface SqliteOptions {
  /** Bytes that the page caches hold now, by who can tell: SQL cannot. Default: cannot be told. */
  readonly held?: () => number | Promise<number>;
}

interface File {
  readonly schema: string;
  readonly pageBytes: number;
  /** As set: pages, or below 0 KiB. */
  readonly cacheSize: number;
}

const COUNTED_BYTES = 136;
const OVERHEAD_BYTES = 272;
/** pcache1.c, nMin: so many are there at any cache_size, for those that a statement has in hand. */
const PAGES_LEAST = 10;
const KIB = 1024;

/** @throws HotaddError HOTADD_BAD_USAGE */
export function sqliteDriver(name: string, database: SqliteDatabase, options: SqliteOptions = {}): Driver {
  expectMethods(name, 'a database of node:sqlite or better-sqlite3', database, ['exec', 'prepare']);
  return new SqliteDriver(name, database, options);
}

class SqliteDriver implements Driver {
  readonly name: string;
  readonly #database: SqliteDatabase;
  readonly #options: SqliteOptions;

  constructor(name: string, database: SqliteDatabase, options: SqliteOptions) {
    this.name = name;
    this.#database = database;
    this.#options = options;
  }

  async read(): Promise<DriverState> {
    const files = this.#files();
    const held = await this.#options.held?.();
    const names = files.map(({ schema }) => schema).join(', ');
    return {
      costBytes: sum(files.map((file) => costOf(pagesOf(file), file))),
      heldBytes: held === undefined ? null : Math.ceil(held),
      floorBytes: floorOf(files),
      ceilingBytes: null,
      stepBytes: files.length * Math.max(...files.map((file) => costOf(1, file) + KIB)),
      why: { floor: `SQLite keeps ${PAGES_LEAST} pages for each of ${names}` },
      settings: files.map(({ schema, cacheSize }) => settingOf(schema, cacheSize)),
      instance: instanceOf(this.#database),
      home: 'self',
    };
  }

  async resize(target: Target, { signal }: ResizeContext): Promise<Setting[]> {
    signal.throwIfAborted();
    const files = this.#files();
    const sizes = 'settings' in target ? this.#before(target.settings) : this.#sizesFor(target.bytes, files);
    const known = files.flatMap((file) => {
      const size = sizes.get(file.schema);
      return size === undefined ? [] : [{ file, size }];
    });
    let shrinks = false;
    for (const { file, size } of known) {
      if (size === file.cacheSize) continue;
      this.#run(`PRAGMA ${quoted(file.schema)}.cache_size = ${size}`);
      shrinks ||= pagesOf({ ...file, cacheSize: size }) < pagesOf(file);
    }
    // cache_size frees the pages that are too many one by one, and malloc keeps most of them.
    if (shrinks) this.#run('PRAGMA shrink_memory');
    return known.map(({ file, size }) => settingOf(file.schema, size));
  }

  #sizesFor(bytes: number, files: readonly File[]): Map<string, number> {
    const floorBytes = floorOf(files);
    if (bytes < floorBytes) {
      throw new Refusal(`${this.name}: SQLite keeps ${PAGES_LEAST} pages of each file`, floorBytes);
    }
    const share = (bytes - floorBytes) / files.length;
    return new Map(
      files.map((file) => {
        const pages = PAGES_LEAST + Math.floor(share / costOf(1, file));
        return [file.schema, cacheSizeFor(pages, file)];
      }),
    );
  }

  /** A file that was detached meanwhile has no size to go back to. */
  #before(settings: readonly Setting[]): Map<string, number> {
    return new Map(
      settings.map(({ name, value }) => {
        const schema = /^(.+)\.cache_size$/.exec(name)?.[1];
        if (schema !== undefined && /^-?\d+$/.test(value ?? '')) return [schema, Number(value)];
        const mend = 'hand back the settings as they were read';
        const problem = `${name}=${value} cannot be set`;
        throw new HotaddError('HOTADD_UNSUPPORTED', problem, { place: this.name, mend });
      }),
    );
  }

  /** The database files: what is in memory, or temporary, is not kept in a cache of a size. */
  #files(): File[] {
    const listed = this.#query('PRAGMA database_list');
    const schemas = listed.filter(({ file }) => file !== '' && file !== null).map(({ name }) => String(name));
    if (schemas.length > 0) return schemas.map((schema) => this.#file(schema));
    const mend = 'open a database file; what is in memory is held whole, whatever cache_size says';
    throw new HotaddError('HOTADD_UNSUPPORTED', 'the connection has no database file', {
      place: this.name,
      mend,
    });
  }

  #file(schema: string): File {
    const [size] = this.#query(`PRAGMA ${quoted(schema)}.cache_size`);
    const [page] = this.#query(`PRAGMA ${quoted(schema)}.page_size`);
    return { schema, cacheSize: Number(size?.cache_size), pageBytes: Number(page?.page_size) };
  }

  #query(sql: string): Record<string, unknown>[] {
    return this.#try(sql, () => this.#database.prepare(sql).all()) as Record<string, unknown>[];
  }

  #run(sql: string): void {
    this.#try(sql, () => this.#database.exec(sql));
  }

  #try<Result>(sql: string, work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      const mend = 'keep the connection open for as long as its driver is registered';
      const problem = `${sql}: ${messageOf(cause)}`;
      throw new HotaddError('HOTADD_UNREADABLE', problem, { place: this.name, mend, cause });
    }
  }
}

function pagesOf({ cacheSize, pageBytes }: File): number {
  const pages = cacheSize >= 0 ? cacheSize : Math.floor((-KIB * cacheSize) / (pageBytes + COUNTED_BYTES));
  return Math.max(pages, PAGES_LEAST);
}

/** In KiB, which stay what they are when VACUUM changes the size of pages. */
function cacheSizeFor(pages: number, { pageBytes }: File): number {
  const kib = Math.ceil((pages * (pageBytes + COUNTED_BYTES)) / KIB);
  const fits = Math.floor((kib * KIB) / (pageBytes + COUNTED_BYTES)) <= pages;
  return -(fits ? kib : kib - 1);
}

function costOf(pages: number, { pageBytes }: File): number {
  return pages * (pageBytes + OVERHEAD_BYTES);
}

function floorOf(files: readonly File[]): number {
  return sum(files.map((file) => costOf(PAGES_LEAST, file)));
}

function settingOf(schema: string, cacheSize: number): Setting {
  return { name: `${schema}.cache_size`, value: String(cacheSize), live: true };
}

function quoted(schema: string): string {
  return `"${schema.replaceAll('"', '""')}"`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
