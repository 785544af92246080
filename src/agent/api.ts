// The agent's API on its control socket: HTTP with JSON over a Unix socket that only its owner may use (E7).
// Every answer has `v` and `schema` (E9). docs/reference/api.md lists the same routes.

import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { codeOf, HotaddError, messageOf } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Agent } from './agent.ts';
import { driversOf, planOf, statusOf } from './api-views.ts';
import { makeOwnFolder } from './safe-file.ts';

export const CONTROL_SOCKET = 'control.sock';
const BODY_MAX_BYTES = 64 * 1024;

export interface Api {
  readonly path: string;
  /** Tells those who follow /v1/changes. */
  tell(outcome: Outcome): void;
  close(): Promise<void>;
}

type Handler = (agent: Agent, request: ApiRequest) => unknown;

interface ApiRequest {
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The contents page. */
export const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/status': (agent) => statusOf(agent),
  'GET /v1/memory': (agent) => ({ schema: 'hotadd.memory/1', ...agent.partition.memory }),
  'GET /v1/drivers': (agent) => driversOf(agent),
  'GET /v1/plan': (agent, { query }) => planOf(agent, limitOf(query)),
  'GET /v1/history': async (agent, { query }) => ({
    schema: 'hotadd.history/1',
    entries: (await agent.history?.entries(historyChoice(query))) ?? [],
  }),
  'POST /v1/resize': async (agent, { body }) => ({
    schema: 'hotadd.outcome/1',
    ...(await agent.resize(wholeBytes(body.toBytes, 'toBytes'))),
  }),
  'POST /v1/release': async (agent, { body }) => ({
    schema: 'hotadd.release/1',
    ...(await agent.release(textOf(body.driver, 'driver'))),
  }),
};
export const STREAM_ROUTE = 'GET /v1/changes';

/**
 * Listens on `control.sock` in the run folder.
 * @throws HotaddError HOTADD_BUSY when an agent answers there already; HOTADD_UNSAFE_FILE;
 * HOTADD_MISSING_RIGHT.
 */
export async function openApi(agent: Agent): Promise<Api> {
  const path = join(agent.config.runFolder, CONTROL_SOCKET);
  const followers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void serve(agent, request, response, followers);
  });
  try {
    await makeOwnFolder(agent.config.runFolder);
    await listen(server, path);
  } catch (error) {
    if (error instanceof HotaddError) throw error;
    throw new HotaddError('HOTADD_MISSING_RIGHT', `the control socket cannot be made: ${messageOf(error)}`, {
      place: path,
      mend: 'name a folder that this user may write with run: in the configuration',
    });
  }
  return {
    path,
    tell: (outcome) => {
      for (const response of followers)
        response.write(`${JSON.stringify({ v: 1, schema: 'hotadd.outcome/1', ...outcome })}\n`);
    },
    close: () => close(server, followers),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await listenOnce(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    // A socket file outlives a killed agent. Whoever answers on it is alive.
    const { askAgent } = await import('./client.ts');
    const alive = await askAgent(path, 'GET', '/v1/status').then(
      () => true,
      (thrown: unknown) => !(thrown instanceof HotaddError && thrown.code === 'HOTADD_NO_AGENT'),
    );
    if (alive)
      throw new HotaddError('HOTADD_BUSY', 'another agent answers on this control socket', { place: path });
    await rm(path, { force: true });
    await listenOnce(server, path);
  }
}

function listenOnce(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The folder is the owner's alone, so nobody can connect before the mode is set.
    server.listen(path, () => {
      server.off('error', reject);
      chmod(path, 0o600).then(resolve, reject);
    });
  });
}

async function close(server: Server, followers: ReadonlySet<ServerResponse>): Promise<void> {
  for (const response of followers) response.end();
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  await closed;
}

async function serve(
  agent: Agent,
  request: IncomingMessage,
  response: ServerResponse,
  followers: Set<ServerResponse>,
) {
  const url = URL.parse(request.url ?? '/', 'http://agent') ?? new URL('http://agent/');
  const route = `${request.method} ${url.pathname}`;
  if (route === STREAM_ROUTE) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    followers.add(response);
    response.once('close', () => followers.delete(response));
    return;
  }
  try {
    const handler = ROUTES[route];
    if (handler === undefined) {
      throw new HotaddError('HOTADD_BAD_USAGE', `there is no ${route}`, {
        mend: `there are ${Object.keys(ROUTES).join(', ')}`,
      });
    }
    const body = request.method === 'POST' ? await readBody(request) : {};
    send(response, 200, await handler(agent, { query: url.searchParams, body }));
  } catch (error) {
    send(response, error instanceof HotaddError ? 400 : 500, {
      schema: 'hotadd.error/1',
      error: errorBody(error),
    });
  }
}

function errorBody(error: unknown) {
  if (!(error instanceof HotaddError))
    return { code: null, message: messageOf(error), place: null, mend: null };
  return { code: error.code, message: error.message, place: error.place, mend: error.mend };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ v: 1, ...(value as object) })}\n`);
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new HotaddError('HOTADD_BAD_USAGE', 'the request is too large');
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch {
    // Said below, in the words of this API.
  }
  throw new HotaddError('HOTADD_BAD_USAGE', 'the request is not a JSON object', {
    mend: 'send such as {"toBytes": 536870912}',
  });
}

function wholeBytes(value: unknown, place: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new HotaddError('HOTADD_BAD_USAGE', 'must be whole bytes above 0', { place });
}

function textOf(value: unknown, place: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new HotaddError('HOTADD_BAD_USAGE', 'must be a text', { place });
}

function limitOf(query: URLSearchParams): number | undefined {
  const limit = query.get('limitBytes');
  return limit === null ? undefined : wholeBytes(Number(limit), 'limitBytes');
}

function historyChoice(query: URLSearchParams): { limit?: number; driver?: string } {
  const limit = query.get('limit');
  const driver = query.get('driver');
  if (limit !== null && !/^[1-9]\d{0,6}$/.test(limit)) {
    throw new HotaddError('HOTADD_BAD_USAGE', `"${limit}" is not a number of changes`, { place: 'limit' });
  }
  return { ...(limit === null ? {} : { limit: Number(limit) }), ...(driver === null ? {} : { driver }) };
}
