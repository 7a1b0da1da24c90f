/**
 * The suites that every transport passes, for one of your own.
 * @packageDocumentation
 */
export { describeTransport } from './describe-transport.js';
