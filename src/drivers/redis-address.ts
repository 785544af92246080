// Where a Redis server is: the address of a configuration entry taken apart. The text form for people never
// has the secret in it. Pure.
import { HotaddError } from '../core/errors.ts';

export interface RedisAddress {
  /** For people and errors: without user and password. */
  readonly text: string;
  readonly socket: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly tls: boolean;
  /** The server is reached without leaving this machine. */
  readonly local: boolean;
  readonly username: string | null;
  readonly password: string | null;
}

const UNIX = /^unix:(?:\/\/)?(?:([^@/]*)@)?(\/[^?#]*)/;

/** @throws HotaddError HOTADD_BAD_CONFIG, without repeating an address that may hold a password. */
export function parseAddress(place: string, url: string): RedisAddress {
  const unix = UNIX.exec(url);
  if (unix) {
    const path = decodeURIComponent(unix[2] ?? '');
    return { text: `unix:${path}`, socket: { path }, tls: false, local: true, ...credentials(unix[1] ?? '') };
  }
  // URL.parse instead of new URL: the error of the latter carries the whole text.
  const parsed = URL.parse(url);
  if (!parsed || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new HotaddError('HOTADD_BAD_CONFIG', 'url is not an address of a Redis server', {
      place,
      mend: 'write redis://HOST:PORT, rediss://HOST:PORT or unix:/PATH',
    });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? 6379 : Number(parsed.port);
  return {
    text: `${parsed.protocol}//${parsed.hostname}:${port}`,
    socket: { host, port },
    tls: parsed.protocol === 'rediss:',
    local: host === 'localhost' || host === '::1' || /^127\./.test(host),
    ...credentials(`${parsed.username}${parsed.password === '' ? '' : `:${parsed.password}`}`),
  };
}

/** `user:password`, `:password` or `user`, percent-encoded. */
function credentials(userinfo: string): { username: string | null; password: string | null } {
  const colon = userinfo.indexOf(':');
  const [user, password] = colon < 0 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  return { username: decode(user), password: decode(password) };
}

function decode(text: string): string | null {
  try {
    return text === '' ? null : decodeURIComponent(text);
  } catch {
    return text;
  }
}
