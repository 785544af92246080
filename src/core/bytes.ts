// Amounts of memory as people write and read them. Units are the kernel's: 1 KiB is 1024 bytes.
import { HotaddError } from './errors.ts';

/** 1024 bytes. */
export const KiB = 1024;
/** 1024 KiB. */
export const MiB = 1024 * KiB;
/** 1024 MiB. */
export const GiB = 1024 * MiB;
/** 1024 GiB. */
export const TiB = 1024 * GiB;

const UNITS: Record<string, number> = { b: 1, k: KiB, m: MiB, g: GiB, t: TiB };
const AMOUNT = /^(\d+(?:\.\d+)?)\s*(b|[kmgt](?:ib)?)?$/i;
const DECIMAL = /^\d+(?:\.\d+)?\s*[kmgt]b$/i;

/**
 * Reads an amount of memory: `512MiB`, `1.5GiB`, `64K`, `1073741824`.
 * @returns whole bytes, rounded down.
 * @throws HotaddError HOTADD_BAD_AMOUNT, naming the text and the mend. `MB` is refused: it means 10^6 to
 * some and 2^20 to others.
 */
export function parseBytes(text: string): number {
  const trimmed = text.trim();
  const match = AMOUNT.exec(trimmed);
  const factor = UNITS[match?.[2]?.charAt(0).toLowerCase() ?? 'b'];
  const bytes = match && factor ? Math.floor(Number(match[1]) * factor) : Number.NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  const mend = DECIMAL.test(trimmed)
    ? `write ${trimmed.replace(/b$/i, 'iB').toUpperCase().replace('IB', 'iB')} (1024-based)`
    : 'write a number with KiB, MiB, GiB or TiB, such as 512MiB';
  throw new HotaddError('HOTADD_BAD_AMOUNT', `"${text}" is not an amount of memory`, { mend });
}

/** Writes an amount for people: three digits at most and a unit, such as `2.44 GiB` or `512 MiB`. */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  const [unit, name] =
    size >= TiB
      ? [TiB, 'TiB']
      : size >= GiB
        ? [GiB, 'GiB']
        : size >= MiB
          ? [MiB, 'MiB']
          : size >= KiB
            ? [KiB, 'KiB']
            : [1, 'B'];
  const value = bytes / unit;
  const digits = unit === 1 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${name}`;
}
