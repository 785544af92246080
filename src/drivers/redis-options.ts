// The options of a Redis driver as the configuration has them. The published schema and the checks of the
// configuration come from here; the driver itself needs only the type.
import { z } from 'zod';

const ADDRESS = /^(rediss?:\/\/|unix:)/;

export const redisOptions = z.strictObject({
  url: z
    .string()
    .regex(ADDRESS, 'an address starts with redis://, rediss:// or unix:')
    .describe('redis://127.0.0.1:6379, rediss://cache.example:6380 or unix:/run/redis/redis.sock'),
  username: z.string().min(1).optional().describe('ACL user; without it the default user'),
  passwordFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with the password, not readable by others; read at each connection'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('File with the certificates to trust'),
      cert: z.string().optional().describe('File with the certificate of this client'),
      key: z.string().optional().describe('File with its key, not readable by others'),
      serverName: z.string().optional().describe('Name to expect in the certificate of the server'),
    })
    .optional()
    .describe('For rediss:// addresses; the certificate of the server is always checked'),
  forkRoom: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'Percent of the set kept for pages copied during saves; default 20 if the server forks, else 0',
    ),
  overhead: z.number().min(1).max(4).optional().describe('Real memory over maxmemory; default 1.25'),
  activeDefrag: z
    .boolean()
    .optional()
    .describe('Turns activedefrag on while a shrink is under way, where the build of the server has it'),
  cgroup: z
    .string()
    .min(1)
    .optional()
    .describe('Cgroup that the memory of the server is counted in, when its process is not visible here'),
});

export type RedisOptions = z.output<typeof redisOptions>;
