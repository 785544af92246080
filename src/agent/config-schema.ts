// The configuration, described once: the checks, the published schema for editors and the reference all come
// from here. What belongs to one kind of driver comes from its line in drivers/list.ts.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseBytes } from '../core/bytes.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Amount } from '../core/registry.ts';
import type { DriverKind } from '../drivers/list.ts';
import { parsePartitionName } from '../sense/partition-name.ts';

const PERCENT = /^(\d+(?:\.\d+)?)\s*%$/;
const AMOUNT_EXAMPLE = 'write an amount such as 512MiB, 2GiB or 25%';
const AMOUNT_PATTERN = String.raw`^\d+(\.\d+)?\s*(%|[bB]|[kKmMgGtT]([iI][bB])?)?$`;
/** A name is a word in file names, metrics and command lines. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\0-\x1f\x7f]/;

type Refuse = (problem: string, mend: string) => never;

/** Text or a number that `read` understands; the published schema says `published`. */
function readAs<Value>(read: (value: unknown, refuse: Refuse) => Value, published: Record<string, unknown>) {
  return z
    .unknown()
    .transform((value, context): Value => {
      try {
        return read(value, (problem, mend) => {
          throw new HotaddError('HOTADD_BAD_CONFIG', problem, { mend });
        });
      } catch (thrown) {
        const mend = thrown instanceof HotaddError ? thrown.mend : null;
        const problem = messageOf(thrown).replace(mend ? `; ${mend}` : '', '');
        context.addIssue({ code: 'custom', message: problem, params: { mend } });
        return z.NEVER;
      }
    })
    .meta(published);
}

const amount = (description: string) =>
  readAs(readAmount, {
    description,
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: AMOUNT_PATTERN },
    ],
  });

function readAmount(value: unknown, refuse: Refuse): Amount {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return value;
    if (value < 0) return refuse('must not be negative', AMOUNT_EXAMPLE);
    return refuse(Number.isInteger(value) ? 'is too large to count' : 'must be whole bytes', AMOUNT_EXAMPLE);
  }
  if (typeof value !== 'string' || value.trim() === '') {
    return refuse('must be an amount of memory', AMOUNT_EXAMPLE);
  }
  if (value.trim().startsWith('-')) return refuse('must not be negative', AMOUNT_EXAMPLE);
  if (!value.includes('%')) return parseBytes(value);
  const percent = Number(PERCENT.exec(value.trim())?.[1] ?? Number.NaN);
  if (Number.isNaN(percent)) return refuse('must be a percentage', 'write it such as 25%');
  if (percent > 100)
    return refuse('must not be more than 100%', 'write a share of usable memory, such as 25%');
  return { percent };
}

const partition = readAs(
  (value, refuse) => {
    const forms = 'write machine, self, cgroup:/path, pid:N or unit:NAME';
    if (typeof value !== 'string') return refuse('must name a partition', forms);
    parsePartitionName(value);
    return value;
  },
  {
    type: 'string',
    pattern: '^(machine|self|cgroup:/.*|pid:[0-9]+|unit:.+)$',
    description:
      'Whose memory: machine, self (the cgroup of hotadd), cgroup:/path, pid:N or unit:NAME; default machine',
  },
);

const folder = (description: string) =>
  readAs(
    (value, refuse) => {
      const mend = 'write the whole path, such as /var/lib/hotadd';
      if (typeof value !== 'string' || value === '') return refuse('must be the path of a folder', mend);
      if (CONTROL.test(value)) return refuse('holds a control character', mend);
      if (!isAbsolute(value)) return refuse('must be an absolute path', mend);
      return value;
    },
    { type: 'string', pattern: '^/', description },
  );

const onDrift = z
  .enum(['report', 'reassert'])
  .describe('When somebody else changed a setting that hotadd had set: say so, or set it again');

/** What every driver has, whatever its kind (P2). */
export const driverKeys = {
  name: z
    .string()
    .regex(NAME)
    .describe('Its name in reports, history and metrics; unique in this file and stable'),
  weight: z
    .number()
    .gt(0)
    .max(1e6)
    .optional()
    .describe('Its share of what is left beyond the minima, against the other drivers; default 1'),
  min: amount('What it gets before anything is shared by weight: bytes, or a share of usable').optional(),
  max: amount('What it gets at most: bytes, or a share of usable memory').optional(),
  onDrift: onDrift.optional(),
};

function entryOf(kind: DriverKind) {
  const driver = z.literal(kind.kind).describe(kind.summary);
  return z
    .strictObject({ ...driverKeys, ...kind.options.shape, driver })
    .superRefine((entry, context) => {
      checkMinMax(entry, context);
      // A rule over several options of the kind stands on its own schema, and is lost with the shape.
      for (const { path, message } of kind.options.safeParse(optionsOf(entry)).error?.issues ?? []) {
        context.addIssue({ code: 'custom', path, message });
      }
    })
    .describe(kind.summary);
}

/** What of an entry belongs to its kind. */
export function optionsOf(entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const common = new Set([...Object.keys(driverKeys), 'driver']);
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !common.has(key)));
}

function checkMinMax(
  entry: { min?: Amount | undefined; max?: Amount | undefined },
  context: z.RefinementCtx,
) {
  const [min, max] = [entry.min, entry.max];
  if (min === undefined || max === undefined) return;
  // A share and an amount can only be compared once usable memory is known; the plan does.
  const [low, high] =
    typeof min === 'number' || typeof max === 'number' ? [min, max] : [min.percent, max.percent];
  if (typeof low !== 'number' || typeof high !== 'number' || low <= high) return;
  context.addIssue({
    code: 'custom',
    path: ['min'],
    message: 'must not be more than max',
    params: { mend: 'lower min or raise max' },
  });
}

function checkNames(drivers: readonly { name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name }] of drivers.entries()) {
    if (seen.has(name)) {
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `"${name}" is the name of another driver too`,
        params: { mend: 'give each driver a name of its own' },
      });
    }
    seen.add(name);
  }
}

/** The whole file. `kinds` is the list of drivers that this build knows. */
export function configSchema(kinds: readonly DriverKind[]) {
  const [first, ...others] = kinds.map(entryOf);
  if (!first) throw new Error('there is no kind of driver');
  return z
    .strictObject({
      version: z.literal(1).describe('Of this format'),
      partition: partition.optional(),
      apply: z.boolean().optional().describe('false (default): plan and report, touch nothing. true: resize'),
      online: z
        .enum(['off', 'online', 'online_kernel', 'online_movable'])
        .optional()
        .describe('Bring added memory online, in the words of the kernel; default off: only report it'),
      reserve: amount(
        'Set aside for what hotadd does not manage: bytes or a share of usable; default 20%, at least 64 MiB',
      ).optional(),
      state: folder('Where the history is kept; default /var/lib/hotadd for root').optional(),
      run: folder('Where the control socket is made; default /run/hotadd for root').optional(),
      onDrift: onDrift.optional(),
      drivers: z
        .array(z.discriminatedUnion('driver', [first, ...others]))
        .superRefine(checkNames)
        .optional()
        .describe('What hotadd sizes. The order is the priority when memory is short'),
    })
    .describe('Configuration of hotadd');
}

/** For the completion of editors: JSON Schema 2020-12 of what a person writes. */
export function publishedSchema(kinds: readonly DriverKind[]): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema(kinds), { io: 'input' });
  return { $schema, title: 'hotadd.yaml', ...rest };
}
