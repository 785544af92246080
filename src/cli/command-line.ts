// The command line: parsed by commander, run by one command of commands.ts, ended with its exit code. main.ts
// is what the shell starts.
import { readFileSync } from 'node:fs';
import { Command as Parser } from 'commander';
import { type Command, EXIT, type ExitCode, Given } from './command.ts';
import { COMMANDS } from './commands.ts';
import { fail, usageError } from './failure.ts';
import { Output } from './output.ts';

const SUMMARY = 'Memory changes while software runs: see it, follow it, resize, and prove it.';

/** @param words what follows `hotadd`. Never rejects. */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  const output = new Output(words.includes('--json'));
  let done: Promise<ExitCode> = Promise.resolve(EXIT.done);
  const parser = parserOf(output, (command, given) => {
    done = command.run(given, output);
  });
  try {
    if (words.length === 0) {
      output.error(parser.helpInformation().trimEnd());
      return EXIT.usage;
    }
    parser.parse([...words], { from: 'user' });
    return await done;
  } catch (error) {
    return error === HELPED ? EXIT.done : fail(error, output);
  }
}

const HELPED = Symbol('help or version was printed');

function parserOf(output: Output, run: (command: Command, given: Given) => void): Parser {
  const parser = strict(new Parser('hotadd'), null, output)
    .description(SUMMARY)
    .usage('<command> [options]')
    .version(versionOf(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', '\n`hotadd <command> --help` tells more of each, with an example.');
  for (const command of COMMANDS) parser.addCommand(subparserOf(command, output, run));
  return parser;
}

function subparserOf(
  command: Command,
  output: Output,
  run: (command: Command, given: Given) => void,
): Parser {
  const parser = strict(new Parser(command.name), command.name, output)
    .summary(command.summary)
    .description(`${command.summary}\n\n${command.about}`)
    .helpOption('--help', 'print this help');
  for (const { form, summary } of command.arguments) parser.argument(form, summary);
  for (const { form, summary } of command.options) parser.option(form, summary);
  const examples = command.examples.map((line) => `  $ hotadd ${line}`).join('\n');
  const title = command.examples.length === 1 ? 'Example' : 'Examples';
  parser.addHelpText('after', `\n${title}:\n${examples}`);
  parser.action(() => run(command, new Given(command.name, parser.args, parser.opts())));
  return parser;
}

/** Commander prints and exits by itself; here it throws, and main.ts alone does both. */
function strict(parser: Parser, place: string | null, output: Output): Parser {
  return parser
    .configureOutput({
      writeOut: (text) => output.line(text.trimEnd()),
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, 100),
      getErrHelpWidth: () => 80,
    })
    .exitOverride((error) => {
      if (error.exitCode === 0) throw HELPED;
      // `hotadd help nonsense` shows the help of everything, as an error without words.
      throw usageError(place, error.code === 'commander.help' ? 'there is no such command' : error.message);
    });
}

/** Without the `[options]` that every command has. */
function termOf(parser: Parser): string {
  const wanted = parser.registeredArguments.map((each) =>
    each.required ? `<${each.name()}>` : `[${each.name()}]`,
  );
  return [parser.name(), ...wanted].join(' ');
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
