// From the kernel's refusal of a write to an error that a person can act on.
import { HotaddError, messageOf } from '../core/errors.ts';

export function refusalCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

/** @param file the control file that was written or read. Errors of hotadd's own pass through. */
export function kernelRefusal(thrown: unknown, file: string): HotaddError {
  if (thrown instanceof HotaddError) return thrown;
  const details = { place: file, cause: thrown };
  switch (refusalCode(thrown)) {
    case 'EROFS':
      return new HotaddError('HOTADD_MISSING_RIGHT', 'this file system is mounted read-only here', {
        ...details,
        mend: 'run hotadd on the host, or mount it read-write in this container',
      });
    case 'EACCES':
    case 'EPERM':
      return new HotaddError('HOTADD_MISSING_RIGHT', 'this user may not write the file', {
        ...details,
        mend: 'run hotadd as root, or give its user the right to write this file',
      });
    case 'ENOENT':
    case 'ENODEV':
      return new HotaddError('HOTADD_GONE', 'what this file belonged to is gone', details);
    default:
      return new HotaddError('HOTADD_OPERATION', `the kernel refuses: ${messageOf(thrown)}`, details);
  }
}
