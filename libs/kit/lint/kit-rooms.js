import { dirname, join, relative, resolve, sep } from 'node:path';
import { eachImport, KIT, packageOf, packagesAround, targetOf } from './workspace.js';

/** The rooms of the kit from the ground up; rooms on one floor may import each other, as long as there is no cycle. */
const FLOORS = [
  ['contract'],
  ['boundary'],
  ['bus', 'transport'],
  ['data'],
  ['messaging'],
  ['topology', 'security', 'observe', 'http', 'verify'],
  ['host'],
  ['testing'],
  ['compliance'],
];

/** A room of the kit imports only rooms that are not above it, and only through their `index.ts`. Specs are exempt. */
export const kitRooms = {
  meta: {
    type: 'problem',
    docs: { description: 'rooms of the kit know the rooms below them only' },
    schema: [],
    messages: {
      unknownRoom: "'{{room}}' has no place in the order of rooms. Add it in libs/kit/lint/kit-rooms.js: {{order}}.",
      roomAbove: "The room '{{room}}' must not know '{{other}}', which is above it. The order is {{order}}.",
      roomInside: "'{{specifier}}' belongs to the inside of the room '{{other}}'. Import its index.js.",
      ownPackage: "A room imports other rooms by '../<room>/index.js', not by the package's name.",
    },
  },
  create(context) {
    const packages = packagesAround(context.filename);
    const own = packageOf(packages, context.filename);
    if (own?.name !== KIT || /\.spec\.[cm]?[jt]s$/.test(context.filename)) return {};
    const source = join(own.folder, 'src');
    const room = roomOf(source, context.filename);
    if (room === undefined) return {};
    const order = FLOORS.map((rooms) => rooms.join(', ')).join(' → ');
    const floor = floorOf(room);

    return {
      Program(node) {
        if (floor < 0) context.report({ node, messageId: 'unknownRoom', data: { room, order } });
      },
      ...eachImport((node, specifier) => {
        // compliance suites import the kit by name, as an application does
        if (targetOf(packages, specifier)?.target === own)
          return room === 'compliance' ? undefined : context.report({ node, messageId: 'ownPackage' });
        if (!specifier.startsWith('.')) return;
        const path = resolve(dirname(context.filename), specifier);
        const other = roomOf(source, path);
        if (other === undefined || other === room) return;
        if (floorOf(other) > floor) context.report({ node, messageId: 'roomAbove', data: { room, other, order } });
        if (path !== join(source, other, 'index.js'))
          context.report({ node, messageId: 'roomInside', data: { specifier, other } });
      }),
    };
  },
};

/**
 * The folder below `src/` that contains a path; undefined outside of `src/` and for the entry files, which are above
 * all rooms.
 */
function roomOf(source, path) {
  const [room, ...inside] = relative(source, path).split(sep);
  return room === '..' || inside.length === 0 ? undefined : room;
}

function floorOf(room) {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}
