// A limit as people type it: an amount, not a share, and whole pages.
import { parseBytes } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';

/** The smallest page: a kernel with larger ones rounds down further by itself. */
const PAGE_BYTES = 4096;

/**
 * Reads the whole limit as it is to be, rounded down to a page.
 * @param place what the error names: an argument or an option.
 * @throws HotaddError HOTADD_BAD_AMOUNT, HOTADD_BAD_USAGE.
 */
export function wholePages(place: string, text: string): number {
  const bytes = readBytes(place, text);
  const whole = bytes - (bytes % PAGE_BYTES);
  if (whole > 0) return whole;
  throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" is less than a page of ${PAGE_BYTES} bytes`, {
    place,
    mend: 'write the whole limit as it is to be, such as 512MiB',
  });
}

function readBytes(place: string, text: string): number {
  try {
    return parseBytes(text);
  } catch (error) {
    if (!(error instanceof HotaddError)) throw error;
    const share = /%\s*$/.test(text);
    throw new HotaddError('HOTADD_BAD_AMOUNT', `"${text}" is not an amount of memory`, {
      place,
      mend: share ? 'a share of what? write bytes, such as 512MiB' : (error.mend ?? 'write such as 512MiB'),
    });
  }
}
