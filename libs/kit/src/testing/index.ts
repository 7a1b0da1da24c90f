/**
 * For testing one module, with fakes of its neighbours by their contracts, and for testing a whole application, in one
 * process or as services.
 * @packageDocumentation
 */
export { eventually, WITHIN_DEFAULT_MS, type Check } from './eventually.js';
export { FakeBreach } from './fake-breach.js';
export { fake, type Answer, type Fake, type FakeHandler, type Message, type ResultOf } from './fake.js';
export { freshDatabase, testNatsUrl, type FreshDatabase } from './fresh-database.js';
export type { NestHook, NestHooks } from '../host/index.js';
export type { ProblemMode } from '../http/index.js';
export type { OverrideBy, OverrideModule } from './overrides.js';
export type { Scenario } from './scenario.js';
export type { Method, RequestOptions, Stimulus, TestResponse } from './stimulus.js';
export { testApplication, type TestApplicationBuilder, type TestApplicationOptions } from './test-application.js';
export { actingAs } from './acting-as.js';
export type { TestCaller } from './test-caller.js';
export type { TopologyContent } from './test-topology.js';
export type { ModuleName, TestedApplication, TestedService } from './tested-application.js';
export type { TestMessages } from './test-messages.js';
export { throwawayTrust } from './throwaway-trust.js';
export { testModule, type TestedModule, type TestModuleOptions } from './test-module.js';
