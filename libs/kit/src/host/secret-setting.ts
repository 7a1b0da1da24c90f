import 'reflect-metadata';

const SECRETS = 'fledge:secret-settings';

/**
 * Marks a field of a module's settings class as a secret: in production a known, short or repeated one keeps the
 * process from starting. Put it into the topology under `secrets`, as `{ env: NAME }` or `{ file: path }`.
 */
export function Secret(): PropertyDecorator {
  return (target, property) => {
    Reflect.defineMetadata(SECRETS, [...secretsIn(target), String(property)], target);
  };
}

/** The fields of a settings object that are secrets. */
export function secretsIn(settings: object): readonly string[] {
  return (Reflect.getMetadata(SECRETS, settings) as readonly string[] | undefined) ?? [];
}
