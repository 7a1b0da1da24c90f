import { dirname, join, relative, resolve, sep } from 'node:path';
import { eachImport, KIT, packageOf, packagesAround, targetOf } from './workspace.js';

/** The rooms of the kit from the ground up; rooms on one floor may import each other, as long as there is no cycle. */
const FLOORS = [
  ['contract'],
  ['boundary', 'tls'],
  ['bus', 'transport'],
  ['data'],
  ['messaging'],
  ['topology', 'security', 'observe', 'http', 'verify', 'microservices'],
  ['host'],
  ['testing'],
  ['compliance'],
];

/** Rooms with an order of their own inside; the files that lie directly in such a room stand above its sub-rooms. */
const SUB_ROOMS = {
  messaging: [
    ['storage', 'signals'],
    ['replicas'],
    ['outbox'],
    ['relay'],
    ['consumers'],
    ['inbox'],
    ['dispatch'],
    ['processes', 'singletons'],
    ['operations'],
  ],
};

/**
 * The entry files, which stand above the rooms: the highest floor that each may import, and whether it takes single
 * files. Those of tools do, so that a tool loads neither Nest nor TypeORM.
 */
const ENTRIES = {
  'index.ts': { highest: 'host', takesFiles: false },
  'transport.ts': { highest: 'topology', takesFiles: false },
  'openapi.ts': { highest: 'http', takesFiles: true },
  'operations.ts': { highest: 'topology', takesFiles: true },
  'operator.ts': { highest: 'topology', takesFiles: true },
};

/**
 * A room of the kit imports only rooms that are not above it, and only through their `index.ts`; a sub-room only
 * sub-rooms that are not above it; an entry file only the rooms that it is meant for. Specs are exempt.
 */
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
      unknownEntry: "The entry file '{{entry}}' is not listed. Say in libs/kit/lint/kit-rooms.js what it may import.",
      entryAbove:
        "'{{specifier}}' is an entry file, which stands above all rooms. Import what it exports from its room.",
      fileAbove: "'{{specifier}}' stands above the sub-rooms of '{{room}}'. Move what is needed into a sub-room.",
    },
  },
  create(context) {
    const packages = packagesAround(context.filename);
    const own = packageOf(packages, context.filename);
    if (own?.name !== KIT || /\.spec\.[cm]?[jt]s$/.test(context.filename)) return {};
    const source = join(own.folder, 'src');
    const here = placeOf(source, context.filename);
    if (here === undefined) return {};
    const report = (node, messageId, data) => context.report({ node, messageId, data });

    return {
      Program(node) {
        if (here.room === undefined) {
          if (!(here.file in ENTRIES)) report(node, 'unknownEntry', { entry: here.file });
        } else if (floorOf(FLOORS, here.room) < 0)
          report(node, 'unknownRoom', { room: here.room, order: orderOf(FLOORS) });
        else if (here.subRoom !== undefined && floorOf(SUB_ROOMS[here.room], here.subRoom) < 0)
          report(node, 'unknownRoom', { room: here.subRoom, order: orderOf(SUB_ROOMS[here.room]) });
      },
      ...eachImport((node, specifier) => {
        // compliance suites import the kit by name, as an application does
        if (targetOf(packages, specifier)?.target === own)
          return here.room === 'compliance' ? undefined : report(node, 'ownPackage');
        if (!specifier.startsWith('.')) return;
        const path = resolve(dirname(context.filename), specifier);
        const there = placeOf(source, path);
        if (there === undefined) return;
        if (there.room === undefined) return report(node, 'entryAbove', { specifier });
        if (there.room === here.room) return checkSubRooms(here, there, (...told) => report(node, ...told), specifier);
        const highest = here.room ?? ENTRIES[here.file]?.highest;
        if (highest !== undefined && floorOf(FLOORS, there.room) > floorOf(FLOORS, highest))
          report(node, 'roomAbove', { room: here.room ?? here.file, other: there.room, order: orderOf(FLOORS) });
        const takesFiles = here.room === undefined && ENTRIES[here.file]?.takesFiles;
        if (!takesFiles && path !== join(source, there.room, 'index.js'))
          report(node, 'roomInside', { specifier, other: there.room });
      }),
    };
  },
};

/** Checks an import within one room that has sub-rooms. */
function checkSubRooms(here, there, report, specifier) {
  const floors = SUB_ROOMS[here.room];
  if (floors === undefined || here.subRoom === undefined || here.subRoom === there.subRoom) return;
  if (there.subRoom === undefined) report('fileAbove', { specifier, room: here.room });
  else if (floorOf(floors, there.subRoom) > floorOf(floors, here.subRoom))
    report('roomAbove', { room: here.subRoom, other: there.subRoom, order: orderOf(floors) });
}

/**
 * Where a path below `src/` lies: its room, and its sub-room where the room has some; without a room it is an entry
 * file. Undefined outside of `src/`.
 */
function placeOf(source, path) {
  const [first, ...inside] = relative(source, path).split(sep);
  if (first === '..') return undefined;
  if (inside.length === 0) return { file: first };
  return { room: first, subRoom: first in SUB_ROOMS && inside.length > 1 ? inside[0] : undefined };
}

function floorOf(floors, room) {
  return floors.findIndex((rooms) => rooms.includes(room));
}

function orderOf(floors) {
  return floors.map((rooms) => rooms.join(', ')).join(' → ');
}
