// The contents page of the command line: every command, one file each. docs/reference/cli.md has a section for each.
import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { memory } from './memory.ts';
import { release } from './release.ts';
import { resize } from './resize.ts';
import { run } from './run.ts';

export const COMMANDS: readonly Command[] = [memory, run, resize, release, demo];
