import type { SystemGraph } from '@fledge/kit/transport';

/** The user of an operator: it makes streams and consumers, and asks services who they are. */
export const OPERATOR = '_operator';

/** All users of the system on the broker, in a fixed order: services, clients, the operator. */
export function usersOf({ services, clients }: SystemGraph): readonly string[] {
  return [...services.map(({ name }) => name).toSorted(), ...Object.keys(clients).toSorted(), OPERATOR];
}

/** The modules that may call a module, itself not among them. */
export function callersOf(module: string, { uses, clients }: SystemGraph): readonly string[] {
  const callers = [...Object.entries(uses), ...Object.entries(clients)];
  return callers.filter(([, used]) => used.includes(module)).map(([caller]) => caller);
}
