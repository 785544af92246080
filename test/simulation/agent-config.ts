// The configuration of the simulated agent, as a scenario has it: what `hotadd.yaml` would say.
import type { Config } from '../../src/agent/config.ts';
import type { Scenario } from './scenario.ts';

export const CGROUP = '/above/app';
export const STATE = '/state/hotadd';

export function configOf(scenario: Scenario): Config {
  return {
    version: 1,
    partition: scenario.partition === 'machine' ? 'machine' : `cgroup:${CGROUP}`,
    apply: true,
    online: scenario.online,
    reserve: scenario.reserveBytes,
    stateFolder: STATE,
    runFolder: '/run/hotadd',
    onDrift: scenario.onDrift,
    drivers: scenario.stores.map(({ name, weight, minBytes }) => {
      return { name, kind: 'store', policy: { weight, min: minBytes }, options: {} };
    }),
  };
}
