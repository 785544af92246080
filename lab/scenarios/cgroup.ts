// A guest in which the agent follows a cgroup and not the machine: /outer/app with a limit, and a Redis that
// was started inside it. The agent itself is outside, as an operator's would be.
import type { TestContext } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { OpenOptions, Vm } from '../index.ts';
import { type Followed, openSetUp, REDIS_DRIVER, startAgent, startRedis } from './guest.ts';

export const OUTER = '/sys/fs/cgroup/outer';
export const APP = `${OUTER}/app`;
export const APP_BYTES = 120 * MiB;

/** A small one, so that a full Redis fills the cgroup. */
export const GROUP_LINES = ['reserve: 8MiB', ...REDIS_DRIVER];

export function openFollowedGroup(
  t: TestContext,
  options: Pick<OpenOptions, 'online'> = {},
): Promise<Followed> {
  // The unshare of this machine knows cgroup namespaces, and busybox's does not.
  const programs = ['redis-server', 'redis-cli', 'unshare'];
  return openSetUp(
    t,
    { ...options, programs },
    {
      name: 'agent and redis in a nested cgroup',
      start: async (vm) => {
        await vm.makeFolder(APP);
        await vm.write(`${OUTER}/cgroup.subtree_control`, '+memory');
        await vm.write(`${APP}/memory.max`, String(APP_BYTES));
        return {
          redis: await startRedis(vm, { cgroup: APP }),
          agent: await startAgent(vm, { partition: 'cgroup:/outer/app', lines: GROUP_LINES }),
        };
      },
    },
  );
}

/** One counter of the cgroup's memory.events: `oom_kill`, `high`. */
export async function memoryEvent(vm: Vm, name: string): Promise<number> {
  const events = await vm.read(`${APP}/memory.events`);
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(events)?.[1] ?? Number.NaN);
}

/** A control file with one value: `max`, or bytes. */
export async function readValue(vm: Vm, name: string, folder = APP): Promise<string> {
  return (await vm.read(`${folder}/${name}`)).trim();
}

/** Usable memory of /outer/app by the files themselves: the least of MemTotal and the limits of both. */
export async function usableByFiles(vm: Vm, folders: readonly string[] = [APP, OUTER]): Promise<number> {
  let least = await vm.memTotalBytes();
  for (const folder of folders) {
    for (const name of ['memory.max', 'memory.high']) {
      const value = await readValue(vm, name, folder);
      if (value !== 'max') least = Math.min(least, Number(value));
    }
  }
  return least;
}
