// What servers, sockets and TLS say, and what it means: the first rule that matches counts. The texts are
// those of Redis 6.2 to 7.2 and Valkey (server.c, acl.c, config.c), of Node's sockets and of OpenSSL.
import type { ErrorCode } from '../core/errors.ts';

export interface Rule {
  readonly when: RegExp;
  readonly code: ErrorCode;
  readonly problem: string;
  readonly mend: string;
}

export const RULES: readonly Rule[] = [
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
    'it is opened again at the next call; TLS over TCP needs rediss://, and tls.cert where it is asked for',
  ),
];

function rule(when: RegExp, code: ErrorCode, problem: string, mend: string): Rule {
  return { when, code, problem, mend };
}
