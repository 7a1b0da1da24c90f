/** Loaded before an application: the SDK of OpenTelemetry is not found, as if nobody had installed it. */
import { register } from 'node:module';

const HOOKS = `
export async function resolve(name, context, next) {
  if (name !== '@opentelemetry/sdk-node') return next(name, context);
  throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`);
