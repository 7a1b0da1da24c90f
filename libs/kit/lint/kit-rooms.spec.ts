import { join } from 'node:path';
import { RuleTester } from 'eslint';
import tseslint from 'typescript-eslint';
import { packageJson, writeWorkspace } from '../test/workspace.js';
import { kitRooms } from './kit-rooms.js';

const { root, remove } = writeWorkspace({
  'package.json': JSON.stringify({ workspaces: ['libs/*'] }),
  'libs/kit/package.json': packageJson('@fledge/kit', { '.': './src/index.ts' }),
  'libs/other/package.json': packageJson('@t/other', { '.': './src/index.ts' }),
});
afterAll(remove);

const ORDER =
  'contract → boundary, tls → bus, transport → data → messaging → topology, security, observe, http, verify, microservices → host → testing → compliance';
const MESSAGING_ORDER =
  'storage, signals → replicas → outbox → relay → consumers → inbox → dispatch → processes, singletons → operations';
const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });
const at = (path: string, code: string) => ({ name: `${path}: ${code}`, filename: join(root, path), code });
const bad = (path: string, code: string, message: string) => ({ ...at(path, code), errors: [{ message }] });

tester.run('kit-rooms', kitRooms, {
  valid: [
    at(
      'libs/kit/src/bus/route.ts',
      "import { ModuleClient } from '../boundary/index.js'; import { x } from '../contract/index.js'; import { y } from './y.js';",
    ),
    at(
      'libs/kit/src/transport/nats/wire.ts',
      "import { CallContext } from '../../boundary/index.js'; import { Transport } from '../transport.js';",
    ),
    at('libs/kit/src/security/guard.ts', "import { Forbidden } from '../http/index.js';"),
    at('libs/kit/src/index.ts', "export { Host } from './host/index.js'; export { x } from './contract/index.js';"),
    at('libs/kit/src/operator.ts', "export { list } from './messaging/operations/dead-letters.js';"),
    at(
      'libs/kit/src/messaging/dispatch/dispatcher.ts',
      "import { Inbox } from '../inbox/inbox.js'; import { y } from './batch.js';",
    ),
    at('libs/kit/src/messaging/module-messaging.ts', "import { Relay } from './relay/relay.js';"),
    at(
      'libs/kit/src/contract/shape.spec.ts',
      "import { testModule } from '../testing/index.js'; import { copy } from '../boundary/copy.js';",
    ),
    at('libs/kit/test/law/world.ts', "import { Host } from '@fledge/kit'; import { x } from '../../src/host/host.js';"),
    at('libs/other/src/bus/route.ts', "import { Host } from '../host/host.js';"),
  ],
  invalid: [
    bad(
      'libs/kit/src/boundary/call.ts',
      "import { bus } from '../bus/index.js';",
      `The room 'boundary' must not know 'bus', which is above it. The order is ${ORDER}.`,
    ),
    bad(
      'libs/kit/src/transport/nats/wire.ts',
      "import type { Host } from '../../host/index.js';",
      `The room 'transport' must not know 'host', which is above it. The order is ${ORDER}.`,
    ),
    bad(
      'libs/kit/src/host/host.ts',
      "export * from '../bus/attach-buses.js';",
      "'../bus/attach-buses.js' belongs to the inside of the room 'bus'. Import its index.js.",
    ),
    bad(
      'libs/kit/src/host/host.ts',
      "const load = () => import('@fledge/kit/contract');",
      "A room imports other rooms by '../<room>/index.js', not by the package's name.",
    ),
    bad(
      'libs/kit/src/messaging/outbox/outbox.ts',
      "import { Relay } from '../relay/relay.js';",
      `The room 'outbox' must not know 'relay', which is above it. The order is ${MESSAGING_ORDER}.`,
    ),
    bad(
      'libs/kit/src/messaging/outbox/outbox.ts',
      "import { ModuleMessaging } from '../module-messaging.js';",
      "'../module-messaging.js' stands above the sub-rooms of 'messaging'. Move what is needed into a sub-room.",
    ),
    bad(
      'libs/kit/src/messaging/attic/box.ts',
      'export const box = 1;',
      `'attic' has no place in the order of rooms. Add it in libs/kit/lint/kit-rooms.js: ${MESSAGING_ORDER}.`,
    ),
    bad(
      'libs/kit/src/data/source.ts',
      "import { Host } from '../index.js';",
      "'../index.js' is an entry file, which stands above all rooms. Import what it exports from its room.",
    ),
    bad(
      'libs/kit/src/transport.ts',
      "export { Host } from './host/index.js';",
      `The room 'transport.ts' must not know 'host', which is above it. The order is ${ORDER}.`,
    ),
    bad(
      'libs/kit/src/index.ts',
      "export { Consumer } from './messaging/consumers/consumer.js';",
      "'./messaging/consumers/consumer.js' belongs to the inside of the room 'messaging'. Import its index.js.",
    ),
    bad(
      'libs/kit/src/extra.ts',
      'export const x = 1;',
      "The entry file 'extra.ts' is not listed. Say in libs/kit/lint/kit-rooms.js what it may import.",
    ),
    bad(
      'libs/kit/src/attic/box.ts',
      'export const box = 1;',
      `'attic' has no place in the order of rooms. Add it in libs/kit/lint/kit-rooms.js: ${ORDER}.`,
    ),
  ],
});
