/**
 * Loaded before an application: its own instrumentation of PostgreSQL and of its code, and no SDK, which the kit starts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { propagation, trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';

registerInstrumentations({ instrumentations: [new PgInstrumentation({ requireParentSpan: true })] });

/** A span below the active one, with what has crossed to here. */
globalThis.ownSpan = (name) =>
  trace.getTracer('own').startActiveSpan(name, async (span) => {
    await sleep(1);
    span.setAttribute('user', propagation.getActiveBaggage()?.getEntry('user')?.value ?? 'nobody');
    span.end();
  });
