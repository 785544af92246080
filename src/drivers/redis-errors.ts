// What a server, a socket or TLS said, as an error that a person can act on. Pure; no secret passes. What is
// recognised is listed in redis-error-rules.ts.
import { HotaddError, messageOf } from '../core/errors.ts';
import { RULES } from './redis-error-rules.ts';

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

/**
 * Codes of sockets and TLS are stabler than their messages; an attempt at several addresses has its own list.
 */
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
