// The contents page of the command line: every command, one file each. docs/reference/cli.md has a section
// for each.
import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { drivers } from './drivers.ts';
import { history } from './history.ts';
import { memory } from './memory.ts';
import { plan } from './plan.ts';
import { release } from './release.ts';
import { resize } from './resize.ts';
import { run } from './run.ts';
import { status } from './status.ts';
import { watch } from './watch.ts';

export const COMMANDS: readonly Command[] = [
  memory,
  watch,
  plan,
  run,
  status,
  drivers,
  history,
  resize,
  release,
  demo,
];
