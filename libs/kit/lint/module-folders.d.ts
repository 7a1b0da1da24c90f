/** Files that may load modules: the application's list of them. */
export declare const MODULE_LIST: RegExp;
export declare const APP_MODULE: RegExp;
/** Paths of tests. */
export declare const TESTS: RegExp;
/** An application whose name says so. */
export declare const APPLICATION: RegExp;
