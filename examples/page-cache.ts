// A cache of pages outside the V8 heap, whose size can change while it is in use.
// #region cache
import { MiB } from 'hotadd';
import { ByteCache } from 'hotadd/buffers';

const MOST_BYTES = MiB / 2;
export const pages = new ByteCache('pages', { bytes: 256 * MiB, ttlMs: 60_000 });

export async function page(path: string, render: (path: string) => Promise<Uint8Array>): Promise<Uint8Array> {
  const known = pages.getCopy(path);
  if (known !== null) return known;
  const made = await render(path);
  if (made.length < MOST_BYTES) pages.set(path, made); // a larger one is not worth its place
  return made;
}
// #endregion

// #region send
/** Writes a page without copying it: the view is released when the write has called back. */
export function send(path: string, write: (bytes: Uint8Array, written: () => void) => void): boolean {
  const view = pages.get(path);
  if (view === null) return false;
  write(view.bytes, () => view.release());
  return true;
}
// #endregion
