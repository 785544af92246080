// The two ways to what an agent knows: the agent that runs, on its control socket, or one that is opened for
// this one command and closed after it. The agent's code is loaded only when it is needed: `hotadd memory`
// starts without it.
import { join } from 'node:path';
import type { Agent, AgentOptions } from '../agent/agent.ts';
import type { Config } from '../agent/config.ts';
import { HotaddError } from '../core/errors.ts';

export interface RunningAgent {
  /** Asks it. Throws the agent's own error. */
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: object): Promise<Answer>;
  /** What it answered when it was looked for. */
  readonly status: AgentStatus;
}

export type AgentStatus = ReturnType<typeof import('../agent/api-views.ts')['statusOf']>;

/** The agent that answers in the run folder; `null`: none does. */
export async function findAgent(config: Config): Promise<RunningAgent | null> {
  try {
    return await reachAgent(config);
  } catch (error) {
    if (error instanceof HotaddError && error.code === 'HOTADD_NO_AGENT') return null;
    throw error;
  }
}

/** @throws HotaddError HOTADD_NO_AGENT, HOTADD_MISSING_RIGHT. */
export async function reachAgent(config: Config): Promise<RunningAgent> {
  const { askAgent } = await import('../agent/client.ts');
  const { CONTROL_SOCKET } = await import('../agent/api.ts');
  const socket = join(config.runFolder, CONTROL_SOCKET);
  const get = <Answer>(path: string) => askAgent(socket, 'GET', path) as Promise<Answer>;
  return {
    get,
    post: <Answer>(path: string, body: object) => askAgent(socket, 'POST', path, body) as Promise<Answer>,
    status: await get<AgentStatus>('/v1/status'),
  };
}

/** Opens an agent for one piece of work, and closes it whatever comes of that. A stop closes it early. */
export async function withAgent<Result>(
  options: AgentOptions,
  stop: AbortSignal,
  work: (agent: Agent) => Promise<Result>,
): Promise<Result> {
  const { openAgent } = await import('../agent/agent.ts');
  const agent = await openAgent(options);
  // Closing ends the waiting of what is under way: settings are handed back, and the outcome says so.
  const onStop = () => void agent.close();
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    return await work(agent);
  } finally {
    stop.removeEventListener('abort', onStop);
    await agent.close();
  }
}

/** Every way to let hotadd act goes through here: nothing is touched unless somebody said so. */
export function mustApply(config: Config, path: string | null, allowed: boolean): Config {
  if (config.apply || allowed) return { ...config, apply: true };
  const place = path === null ? {} : { place: path };
  const problem = path === null ? 'there is no configuration that says apply: true' : 'apply is false';
  throw new HotaddError('HOTADD_NOT_APPLIED', `${problem}, so nothing is changed`, {
    ...place,
    mend: `add --apply${path === null ? '' : ', or write apply: true'}`,
  });
}
