import TestRunner from 'jest-runner';

/** Runs one spec at a time, in jest's own process. */
export default class OneAtATime extends TestRunner {
  isSerial = true;
}
