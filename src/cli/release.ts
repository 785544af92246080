// `hotadd release`: a driver gets back the settings that it had before hotadd first wrote to it (E3).
import { findAgent, mustApply, withAgent } from './agent-door.ts';
import { CONFIG_OPTION, type Command, EXIT, JSON_OPTION } from './command.ts';
import { findConfig } from './config-place.ts';
import { stopSignal } from './output.ts';
import { APPLY_OPTION } from './resize.ts';

interface Released {
  readonly driver: string;
  readonly asBefore: boolean;
  readonly note: string | null;
}

export const release: Command = {
  name: 'release',
  summary: 'Hands a driver the settings that it had before hotadd first wrote to it.',
  about:
    'Contents that were given up meanwhile do not come back. While the agent runs it follows memory again ' +
    'from the next change on; to leave a driver alone for good, take it out of the configuration first.',
  examples: ['release cache'],
  arguments: [{ form: '<driver>', summary: 'its name in the configuration' }],
  options: [CONFIG_OPTION, APPLY_OPTION, JSON_OPTION],
  run: async (given, output) => {
    const stop = stopSignal();
    const driver = given.argument('<driver>');
    const { path, config } = await findConfig(given);
    const agent = await findAgent(config);
    let released: Released;
    if (agent?.status.apply) {
      released = await agent.post<Released>('/v1/release', { driver });
    } else {
      const applying = mustApply(config, path, given.flag('apply'));
      const options = { config: applying, program: 'hotadd release' };
      released = await withAgent(options, stop, (opened) => opened.release(driver));
    }
    if (output.json) output.value('release', released);
    else output.line(sentence(released));
    return released.asBefore ? EXIT.done : EXIT.failed;
  },
};

function sentence({ driver, asBefore, note }: Released): string {
  if (!asBefore) return `${driver} could not be set back: ${note ?? 'not known why'}`;
  return note === null ? `${driver} has the settings it had before hotadd` : `${driver}: ${note}`;
}
