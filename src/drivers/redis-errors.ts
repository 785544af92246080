// What a server, a socket or TLS said, as an error that a person can act on. Pure. The texts are those of Redis
// 6.2 to 7.2 and Valkey (server.c, acl.c, config.c); no secret passes.
import { type ErrorCode, HotaddError, messageOf } from '../core/errors.ts';

export interface ErrorContext {
  /** The driver and its address. */
  readonly place: string;
  /** The ACL user that we are. */
  readonly user: string;
  /** What must not appear: passwords. */
  readonly secrets: readonly string[];
  /** The command that failed; `null` while connecting. */
  readonly command: readonly string[] | null;
}

interface Rule {
  readonly when: RegExp;
  readonly code: ErrorCode;
  readonly problem: string;
  readonly mend: string;
}

const RULES: readonly Rule[] = [
  rule(
    /WRONGPASS|invalid password/i,
    'HOTADD_CONNECTION',
    'user name or password is wrong',
    'check username and passwordFile',
  ),
  rule(
    /without any password configured|no password is set/i,
    'HOTADD_CONNECTION',
    'the server has no password',
    'remove passwordFile and the password of the url',
  ),
  rule(
    /^NOAUTH/,
    'HOTADD_CONNECTION',
    'the server asks for a password',
    'set passwordFile, and username for an ACL user',
  ),
  rule(
    /^LOADING/,
    'HOTADD_CONNECTION',
    'the server is still loading its data',
    'it is read again at the next pass',
  ),
  rule(
    /^MASTERDOWN/,
    'HOTADD_CONNECTION',
    'this replica has lost its master',
    'bring the master back, or set replica-serve-stale-data yes',
  ),
  rule(
    /^BUSY/,
    'HOTADD_CONNECTION',
    'the server is busy running a script',
    'wait for it, or end it with SCRIPT KILL',
  ),
  rule(
    /^DENIED/,
    'HOTADD_CONNECTION',
    'the server is in protected mode and takes no connection from here',
    'give it a password, or bind it to the address it is reached at',
  ),
  rule(/max number of clients/, 'HOTADD_CONNECTION', 'the server has reached maxclients', 'raise maxclients'),
  rule(
    /without a config file/,
    'HOTADD_UNSUPPORTED',
    'the server runs without a config file, so nothing can be kept there',
    'start it with a config file, or set maxmemory where it is started',
  ),
  rule(
    /Rewriting config file/,
    'HOTADD_MISSING_RIGHT',
    'the server may not write its config file',
    'let its user write the file and the directory it is in',
  ),
  rule(
    /unknown command|unknown subcommand/i,
    'HOTADD_UNSUPPORTED',
    'the server does not know the command',
    'managed servers often remove CONFIG: resize those through their provider',
  ),
  rule(
    /Active defragmentation cannot/,
    'HOTADD_UNSUPPORTED',
    'this build cannot defragment',
    'leave activeDefrag out',
  ),
  rule(
    /Unsupported CONFIG|Unknown option|immutable|protected config|CONFIG SET failed/i,
    'HOTADD_UNSUPPORTED',
    'the server refuses the setting',
    'look at its reply and its documentation',
  ),
  rule(
    /ECONNREFUSED|ENOENT/,
    'HOTADD_CONNECTION',
    'no server listens there',
    'start the server, or correct url',
  ),
  rule(
    /EACCES|EPERM/,
    'HOTADD_CONNECTION',
    'the socket may not be opened',
    'give this user the right: unixsocketperm, or the group of the socket',
  ),
  rule(/ENOTFOUND|EAI_AGAIN/, 'HOTADD_CONNECTION', 'the host name is not known', 'correct url'),
  rule(
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Connection timeout/i,
    'HOTADD_CONNECTION',
    'the host does not answer',
    'check the network and url; a port without TLS needs redis://',
  ),
  rule(
    /ALTNAME_INVALID/,
    'HOTADD_CONNECTION',
    'the certificate is for another name',
    'set tls.serverName to the name in it',
  ),
  rule(/CERT_HAS_EXPIRED/, 'HOTADD_CONNECTION', 'the certificate of the server has expired', 'renew it'),
  rule(
    /SELF_SIGNED|UNABLE_TO_|CERT_/,
    'HOTADD_CONNECTION',
    'the certificate of the server is not trusted',
    'set tls.ca to the file of the authority that signed it',
  ),
  rule(
    /alert.*certificate|certificate required/i,
    'HOTADD_CONNECTION',
    'the server asks for a certificate of this client',
    'set tls.cert and tls.key',
  ),
  rule(
    /ERR_SSL|EPROTO/,
    'HOTADD_CONNECTION',
    'the server does not speak TLS as expected',
    'use redis:// if that port has no TLS',
  ),
  rule(
    /ECONNRESET|EPIPE|closed|offline|aborted|terminated/i,
    'HOTADD_CONNECTION',
    'the connection was lost',
    'it is opened again at the next call; use rediss:// if that port wants TLS',
  ),
];

/** Makes the one error for anything that was thrown; errors that are ours already pass unchanged. */
export function explain(thrown: unknown, context: ErrorContext): HotaddError {
  if (thrown instanceof HotaddError) return thrown;
  const said = hide(describe(thrown), context.secrets);
  if (/^NOPERM/.test(said)) return missingRight(said, context);
  const found = RULES.find(({ when }) => when.test(said));
  const doing = context.command === null ? 'connecting' : commandName(context.command).toUpperCase();
  const problem = `${found?.problem ?? 'the server could not do it'} (${doing}: ${said})`;
  // No cause: an error of the client or of the URL parser may carry what is hidden here.
  return new HotaddError(found?.code ?? 'HOTADD_CONNECTION', problem, {
    place: context.place,
    mend: found?.mend ?? 'look at its reply',
  });
}

export function isMissingRight(thrown: unknown): boolean {
  return thrown instanceof HotaddError && thrown.code === 'HOTADD_MISSING_RIGHT';
}

/** NOPERM of 6.2 does not name the subcommand, so the right is named from what was sent. */
function missingRight(said: string, { place, user, command }: ErrorContext): HotaddError {
  const right = command === null ? 'the connection' : `+${commandName(command).replace(' ', '|')}`;
  return new HotaddError('HOTADD_MISSING_RIGHT', `the user ${user} has no right ${right} (${said})`, {
    place,
    mend: `ACL SETUSER ${user} ${right}`,
  });
}

/** `config get` for CONFIG GET x: commands with subcommands are named by both words. */
function commandName(command: readonly string[]): string {
  const words = /^(config|memory|acl|client)$/i.test(command[0] ?? '') ? 2 : 1;
  return command.slice(0, words).join(' ').toLowerCase();
}

/** Codes of sockets and TLS are stabler than their messages; an attempt at several addresses has its own list. */
function describe(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(describe).join(', ');
  const code = thrown instanceof Error && 'code' in thrown ? `${String(thrown.code)} ` : '';
  return `${code}${messageOf(thrown)}`.trim();
}

function hide(text: string, secrets: readonly string[]): string {
  let hidden = text;
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret)]) hidden = hidden.replaceAll(form, '***');
  }
  return hidden.length > 300 ? `${hidden.slice(0, 300)}...` : hidden;
}

function rule(when: RegExp, code: ErrorCode, problem: string, mend: string): Rule {
  return { when, code, problem, mend };
}
