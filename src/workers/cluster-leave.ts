// In a worker of node:cluster: leaving without losing a request. `worker.disconnect()` alone closes idle
// connections at once, under a client that may be sending, and waits for ever for busy ones, which are kept
// alive. So a worker that is asked to leave stops listening, and lets each connection end at its next answer,
// or by the keep-alive time that its client has been told of.
import type { ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { type LeaveMessage, messageIn } from './leave-message.ts';

export interface LeaveOptions {
  /** The last thing that the worker does, such as to close its connections to a database. */
  readonly last?: () => void | Promise<void>;
}

/**
 * Lets the primary exchange this worker: it leaves when it is asked, and its process ends when its last
 * connection has. To be called before `server.listen()`. Outside of a cluster it does nothing.
 * @param server of node:http or node:https.
 */
export function leaveWhenAsked(server: Server, { last }: LeaveOptions = {}): void {
  if (process.send === undefined) return;
  const onMessage = (message: unknown) => {
    if (messageIn(message) !== 'leave') return;
    process.off('message', onMessage);
    process.once('disconnect', () => process.exit());
    void drain(server)
      .then(last)
      .finally(() => say('has left'));
  };
  process.on('message', onMessage);
  say('can leave');
}

function say(hotadd: LeaveMessage['hotadd']): void {
  process.send?.({ hotadd } satisfies LeaveMessage);
}

function drain(server: Server): Promise<void> {
  server.prependListener('request', (_request: unknown, response: ServerResponse) => {
    response.setHeader('connection', 'close');
  });
  return new Promise((resolve) => {
    // The server's own close() would also close the connections that are idle at this moment.
    Server.prototype.close.call(server, () => resolve());
  });
}
