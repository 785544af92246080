// hotadd/adapters: drivers out of what people already use. Each takes the user's own object, by what it has,
// and imports nothing of its package. One file for each; docs/reference/adapters.md tells them apart.
export { type KeyvBytes, type KeyvStore, keyvStore } from './keyv.ts';
export { type LruCache, type LruCacheOptions, lruCacheDriver } from './lru-cache.ts';
export { type PgPool, type PgPoolOptions, pgPoolDriver } from './pg.ts';
export { type QuickLruCache, type QuickLruOptions, quickLruDriver } from './quick-lru.ts';
export { type Resizable, type ResizableOptions, resizableDriver } from './resizable.ts';
export { type SqliteDatabase, type SqliteOptions, sqliteDriver } from './sqlite.ts';
export { type UndiciDispatcher, type UndiciDriver, type UndiciOptions, undiciDriver } from './undici.ts';
