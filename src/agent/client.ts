// The other end of the control socket: what the command line and the console use.
import { request } from 'node:http';
import { codeOf, ERROR_CODES, type ErrorCode, HotaddError, messageOf } from '../core/errors.ts';

/**
 * One request to the agent.
 * @returns the answer's JSON.
 * @throws HotaddError HOTADD_NO_AGENT when nobody answers; else the agent's own error.
 */
export function askAgent(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { host: 'agent' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          const answer: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
          if (response.statusCode === 200) resolve(answer);
          else reject(errorOf(answer));
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on('error', (error) => reject(unreachable(socketPath, error)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Follows the agent's changes, one JSON value a line, until the signal aborts or the agent ends. */
export function followAgent(
  socketPath: string,
  onChange: (outcome: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, path: '/v1/changes', headers: { host: 'agent' }, signal },
      (response) => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onChange(JSON.parse(line));
        });
        response.on('error', () => resolve());
        response.on('end', resolve);
      },
    );
    sent.on('error', (error) => (signal.aborted ? resolve() : reject(unreachable(socketPath, error))));
    sent.end();
  });
}

function unreachable(socketPath: string, error: unknown): HotaddError {
  const code = codeOf(error);
  if (code === 'EACCES') {
    return new HotaddError('HOTADD_MISSING_RIGHT', 'only the user that the agent runs as may ask it', {
      place: socketPath,
    });
  }
  if (code === 'ECONNRESET')
    return new HotaddError('HOTADD_NO_AGENT', 'the agent has ended', { place: socketPath });
  return new HotaddError('HOTADD_NO_AGENT', `no agent answers (${code ?? messageOf(error)})`, {
    place: socketPath,
    mend: 'start one with hotadd run, or name its configuration with --config',
  });
}

function errorOf(answer: unknown): Error {
  const { error } = answer as { error?: { code: string | null; message: string } };
  if (error === undefined) return new Error('the agent answers with an error that is not understood');
  const code = error.code !== null && error.code in ERROR_CODES ? (error.code as ErrorCode) : null;
  return code === null ? new Error(error.message) : new HotaddError(code, error.message);
}
